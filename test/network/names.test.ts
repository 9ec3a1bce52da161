import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Attachment } from "#runtime";
import { Lab, missing, request } from "./lab.ts";
import { ask, named, resolvers, reverse, upstream } from "./name-lab.ts";

const skip = missing() ?? false;

test("names on a user network", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "front", subnets: ["10.1.0.0/24"], ipv6: true });
  await networks.create({ name: "back", internal: true });
  await using web = await networks.attach(
    request("0123456789abcdef", {
      containerName: "web",
      hostname: "Web-Host",
      network: "front",
      endpoint: { aliases: ["www", "shop"], address: "10.1.0.10" },
      dns: { servers: ["192.0.2.1"] },
    }),
  );
  await using two = await networks.attach(
    request("two", { network: "front", endpoint: { aliases: ["shop"], links: ["web:shopping"] } }),
  );
  await using db = await networks.attach(request("db", { network: "back" }));
  const [webIp = "", twoIp = ""] = [web.address, two.address];
  const cases: [string, Attachment, string, "A" | "AAAA" | "PTR", readonly string[] | string][] = [
    ["by name", two, "web", "A", [webIp]],
    ["in any letters", two, "WEB", "A", [webIp]],
    ["its own name", web, "web", "A", [webIp]],
    ["by alias", two, "www", "A", [webIp]],
    ["by short id", two, "0123456789ab", "A", [webIp]],
    ["by host name", two, "web-host", "A", [webIp]],
    ["with the network", two, "web.front", "A", [webIp]],
    ["by link", two, "shopping", "A", [webIp]],
    ["a link is the linker's alone", web, "shopping", "A", "NXDOMAIN"],
    ["by IPv6", two, "web", "AAAA", [web.endpoints?.[0]?.address6 ?? "none"]],
    ["no IPv6 is no answer, not no name", db, "db", "AAAA", []],
    ["backwards", two, reverse(webIp), "PTR", ["web.front"]],
    ["another network's name", db, "web", "A", "SERVFAIL"],
    ["an internal network asks nobody", db, "example.org", "A", "SERVFAIL"],
  ];
  using _server = upstream(lab, () => "NXDOMAIN");
  for (const [name, from, asked, type, expected] of cases)
    for (const overTcp of [false, true])
      assert.deepEqual(
        await ask(lab, from, { name: asked, type, overTcp }),
        expected,
        `${name} tcp=${overTcp}`,
      );
  const shops = await Promise.all([1, 2, 3, 4].map(() => ask(lab, web, { name: "shop", type: "A" })));
  assert.deepEqual(
    new Set(shops.map(String)),
    new Set([`${webIp},${twoIp}`, `${twoIp},${webIp}`]),
    "in turn",
  );
  assert.match(web.resolvConf, /^nameserver 127\.0\.0\.11$/m);
  assert.match(web.resolvConf, /^options .*ndots:0$/m);
});

test("other questions go to the servers, whole and by the same way", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "net" });
  const dns = { servers: ["192.0.2.77", "192.0.2.1"] };
  const seen: string[] = [];
  using _server = upstream(lab, (name) => {
    seen.push(name);
    return [{ name, type: "A", ttl: 30, data: "198.51.100.7" }];
  });
  await using web = await networks.attach(
    request("web", { network: "net", dns: { servers: ["192.0.2.1"] } }),
  );
  assert.deepEqual(await ask(lab, web, { name: "example.org", type: "A" }), ["198.51.100.7"]);
  assert.deepEqual(seen, ["example.org"]);
  // A server that does not answer costs its time and no more.
  await using slow = await networks.attach(request("slow", { network: "net", dns }));
  assert.deepEqual(await ask(lab, slow, { name: "example.net", type: "A" }), ["198.51.100.7"]);
});

test("the resolver starts with the first container and ends with the last; killed, it comes back", {
  skip,
}, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "net" });
  const first = await networks.attach(request("first", { network: "net" }));
  const second = await networks.attach(request("second", { network: "net" }));
  assert.deepEqual(await ask(lab, first, { name: "second", type: "A" }), [second.address]);
  const [pid = 0] = resolvers(lab);
  assert.ok(pid > 0);
  process.kill(pid, "SIGKILL");
  while (resolvers(lab).length > 0) await delay(5);
  // A process that ends has no command line any more before the kernel closes its files and with them the lock.
  (await lab.host.locks.acquire(join(lab.made("store"), "network/resolver.lock"), "exclusive"))[
    Symbol.dispose
  ]();
  await using third = await networks.attach(request("third", { network: "net" }));
  assert.deepEqual(await ask(lab, first, { name: "third", type: "A" }), [third.address]);
  assert.deepEqual(await ask(lab, third, { name: "first", type: "A" }), [first.address]);
  assert.equal(resolvers(lab).length, 1);
  for (const one of [first, second, third]) await one[Symbol.asyncDispose]();
  for (const end = Date.now() + 60_000; resolvers(lab).length > 0 && Date.now() < end; ) await delay(10);
  assert.deepEqual(resolvers(lab), []);
});

test("a container may have port 53 for itself", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "net" });
  await using dns = await networks.attach(request("dns", { network: "net" }));
  await using peer = await networks.attach(request("peer", { network: "net" }));
  lab.serveUdp(dns, "own", 53);
  assert.deepEqual(await ask(lab, dns, { name: "peer", type: "A" }), [peer.address]);
});

test("a container of the default bridge has names when it joins a network that has", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "front" });
  await using web = await networks.attach(request("web", { network: "front" }));
  await using late = await networks.attach(request("late", { network: "bridge" }));
  const question = { name: "web", type: "A", patienceMs: 300 } as const;
  assert.equal(await ask(lab, late, question), "no answer");
  assert.equal(networks.resolvConf("late"), late.resolvConf);
  assert.doesNotMatch(late.resolvConf, /127\.0\.0\.11/);
  await networks.connect({ network: "front", container: "late" });
  assert.deepEqual(await ask(lab, late, { ...question, patienceMs: 60_000 }), [web.address]);
  assert.match(networks.resolvConf("late") ?? "", /^nameserver 127\.0\.0\.11$/m);
  await networks.disconnect({ network: "front", container: "late" });
  assert.notDeepEqual(await ask(lab, late, question), [web.address]);
  await networks.connect({ network: "front", container: "late" });
  assert.deepEqual(await ask(lab, late, { ...question, patienceMs: 60_000 }), [web.address]);
});

test("the default bridge has no names", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await using one = await networks.attach(request("one"));
  assert.doesNotMatch(one.resolvConf, /127\.0\.0\.11/);
  assert.equal(await ask(lab, one, { name: "one", type: "A", patienceMs: 100 }), "no answer");
  assert.deepEqual(resolvers(lab), []);
  const links = lab.host.links.list().length;
  await assert.rejects(
    networks.attach(request("late", { endpoint: { links: ["nobody:db"] } })),
    /^LighterError: cannot link to container "nobody": no running container of that name is on network "bridge"/,
  );
  assert.equal(lab.host.links.list().length, links, "nothing is left of it");
});

test("an egress policy opens what its names resolve to, and nothing else", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "net" });
  using _server = upstream(lab, (name) => [{ name, type: "A", ttl: 3000, data: "192.0.2.1" }]);
  lab.serve(lab.neighbour, "outside", 9001);
  lab.serve(lab.neighbour, "other", 9002);
  lab.serve(undefined, "host", 9003);
  await using free = await networks.attach(request("free", { network: "net" }));
  lab.serve(free, "free", 80);
  const egress = ["api.example.com:9001", "*.example.org:9001"];
  const dns = { servers: ["192.0.2.1"] };
  await using held = await networks.attach(request("held", { network: "net", egress, dns }));
  assert.equal(
    await lab.connectInVain(held, "192.0.2.1", 9001),
    "unreachable",
    "before the name is asked for",
  );
  assert.equal(await ask(lab, held, { name: "evil.example.com", type: "A" }), "REFUSED");
  assert.deepEqual(await ask(lab, held, { name: "api.example.com", type: "A" }), ["192.0.2.1"]);
  assert.equal(await lab.connect(held, "192.0.2.1", 9001), "outside 192.0.2.2");
  assert.equal(await lab.connectInVain(held, "192.0.2.1", 9002), "unreachable", "another port");
  assert.equal(await lab.connectInVain(held, held.gateway ?? "", 9003), "unreachable", "the host");
  assert.match(await lab.connect(held, free.address ?? "", 80), /^free /, "a neighbour");
  assert.equal(await lab.connect(free, "192.0.2.1", 9002), "other 192.0.2.2", "one without a policy");
  const refused = networks
    .refused()
    .map(({ container, destination, port }) => [container, destination, port]);
  for (const flow of [
    ["held", "192.0.2.1", 9001],
    ["held", "192.0.2.1", 9002],
    ["held", held.gateway, 9003],
  ])
    assert.ok(
      refused.some((one) => String(one) === String(flow)),
      `${flow} in ${refused}`,
    );
  assert.deepEqual(
    networks.refusedNames().map(({ container, name }) => [container, name]),
    [["held", "evil.example.com"]],
  );
  // The next holder of the address has nothing from the last one.
  assert.deepEqual(await ask(lab, held, { name: "deep.example.org", type: "A" }), ["192.0.2.1"]);
  const { address } = held;
  await held[Symbol.asyncDispose]();
  const resolved = /set resolved \{[^}]*\}/.exec(networks.firewall())?.[0] ?? "none";
  assert.doesNotMatch(resolved, new RegExp(String(address)));
  assert.match(resolved, /set resolved/);
});

test("an egress policy of addresses, on a network and on the default bridge", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  lab.serve(lab.neighbour, "outside", 9001);
  lab.serve(lab.neighbour, "other", 9002);
  await networks.create({ name: "net", egress: ["192.0.2.0/28:9001"] });
  await using one = await networks.attach(request("one", { network: "net" }));
  await using two = await networks.attach(request("two", { egress: ["192.0.2.1:9002"] }));
  assert.equal(await lab.connect(one, "192.0.2.1", 9001), "outside 192.0.2.2");
  assert.equal(await lab.connectInVain(one, "192.0.2.1", 9002), "unreachable");
  assert.equal(await lab.connectInVain(two, "192.0.2.1", 9001), "unreachable");
  assert.equal(await lab.connect(two, "192.0.2.1", 9002), "other 192.0.2.2");
});
