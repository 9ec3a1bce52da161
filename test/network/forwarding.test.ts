import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Answer, encode } from "dns-packet";
import { Lab, missing, request } from "./lab.ts";
import { ask, named, upstream } from "./name-lab.ts";

const skip = missing() ?? false;

test("a foreign question goes on byte by byte, with its EDNS, by the way it came", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "net" });
  const seen: Buffer[] = [];
  using _server = upstream(
    lab,
    (name) => [{ name, type: "A", data: "198.51.100.7" }],
    (question) => seen.push(question),
  );
  await using web = await networks.attach(
    request("web", { network: "net", dns: { servers: ["192.0.2.1"] } }),
  );
  const question = encode({
    type: "query",
    id: 4711,
    flags: 256,
    questions: [{ type: "TXT", name: "Example.ORG" }],
    additionals: [
      {
        type: "OPT",
        name: ".",
        udpPayloadSize: 4096,
        flags: 32_768,
        options: [{ code: 15, data: Buffer.from("x") }],
      } as never,
    ],
  });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(question.length);
  const to = { address: "127.0.0.11", port: 53, patienceMs: 60_000 };
  for (const overTcp of [false, true]) {
    const sent = overTcp ? Buffer.concat([length, question]) : question;
    assert.ok((await lab.exchange(web, { ...to, overTcp }, sent)) !== undefined, `tcp=${overTcp}`);
  }
  assert.deepEqual(
    seen.map((one) => one.toString("hex")),
    [question, question].map((one) => one.toString("hex")),
  );
});

test("an answer by TCP may be as long as it is", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "net" });
  const many = Array.from({ length: 900 }, (_, at) => `198.51.${100 + (at >> 8)}.${at & 255}`);
  using _server = upstream(lab, (name) => many.map((data): Answer => ({ name, type: "A", data })));
  await using web = await networks.attach(
    request("web", { network: "net", dns: { servers: ["192.0.2.1"] } }),
  );
  assert.deepEqual(await ask(lab, web, { name: "big.example.org", type: "A", overTcp: true }), many);
});

test("the host's servers of the moment are asked", { skip }, async () => {
  await using lab = new Lab();
  // The resolver's own view of the host's file, which is then changed as a DHCP client changes it.
  const file = join(lab.made("host"), "resolv.conf");
  writeFileSync(file, "nameserver 192.0.2.77\n");
  const seeing = ["unshare", "--mount", "sh", "-c", `mount --bind ${file} /etc/resolv.conf; exec "$@"`, "sh"];
  const networks = named(lab, seeing);
  await networks.create({ name: "net" });
  using _server = upstream(lab, (name) => [{ name, type: "A", data: "198.51.100.7" }]);
  await using web = await networks.attach(request("web", { network: "net" }));
  const question = { name: "example.org", type: "A" } as const;
  // Only so long that a server which is not there cannot have answered.
  assert.equal(await ask(lab, web, { ...question, patienceMs: 700 }), "no answer");
  writeFileSync(file, "nameserver 192.0.2.1\n");
  assert.deepEqual(await ask(lab, web, question), ["198.51.100.7"]);
});

test("a renamed container has its new name at once, and the old one no more", { skip }, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "net", internal: true });
  await using web = await networks.attach(request("web", { network: "net", hostname: "h" }));
  await using peer = await networks.attach(request("peer", { network: "net" }));
  assert.deepEqual(await ask(lab, peer, { name: "web", type: "A" }), [web.address]);
  await networks.rename("web", "shop");
  assert.deepEqual(await ask(lab, peer, { name: "shop", type: "A" }), [web.address]);
  assert.equal(
    networks.get("net").members.some(({ name }) => name === "shop"),
    true,
  );
  await networks.rename("nobody", "x");
});

test("--dns, --dns-search and --dns-option stand in resolv.conf, with a resolver and without", {
  skip,
}, async () => {
  await using lab = new Lab();
  const networks = named(lab);
  await networks.create({ name: "net" });
  const dns = {
    servers: ["192.0.2.53"],
    search: ["a.example", "b.example"],
    options: ["timeout:1", "use-vc"],
  };
  await using plain = await networks.attach(request("plain", { dns }));
  await using web = await networks.attach(request("web", { network: "net", dns }));
  await using none = await networks.attach(request("none", { network: "net", dns: { search: ["."] } }));
  for (const { resolvConf } of [plain, web]) {
    assert.match(resolvConf, /^search a\.example b\.example$/m);
    assert.match(resolvConf, /^options timeout:1 use-vc/m);
  }
  assert.match(plain.resolvConf, /^nameserver 192\.0\.2\.53$/m);
  assert.match(web.resolvConf, /^nameserver 127\.0\.0\.11$/m);
  assert.match(web.resolvConf, /ExtServers: \[192\.0\.2\.53\]/);
  assert.match(web.resolvConf, /^options .*ndots:0$/m);
  assert.doesNotMatch(none.resolvConf, /^search/m);
});
