import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isLighterError } from "#base";
import type { Attachment } from "#runtime";
import { Lab, missing, request } from "./lab.ts";

const skip = missing() ?? false;

test("reachability on the default bridge", { skip }, async (t) => {
  await using lab = new Lab();
  const networks = lab.networks();
  const ports = [
    { hostPort: 8080, containerPort: 80, protocol: "tcp" },
    { hostAddress: "127.0.0.1", hostPort: 8081, containerPort: 81, protocol: "tcp" },
  ] as const;
  await using web = await networks.attach(request("web", { ports }));
  await using peer = await networks.attach(request("peer"));
  await using other = await lab.networks("other").attach(request("other"));
  lab.serve(web, "web", 80);
  lab.serve(web, "local", 81);
  lab.serve(web, "private", 82);
  lab.serve(peer, "peer", 80);
  lab.serve(undefined, "host", 9000);
  lab.serve(lab.neighbour, "outside", 9001);
  lab.host.links.addRoute({ destination: "172.16.0.0/12", gateway: "192.0.2.2" }, lab.neighbour);

  const host = {};
  const neighbour = { namespacePath: lab.neighbour.path };
  const [webIp = "", peerIp = "", gateway = ""] = [web.address, peer.address, web.gateway];
  const cases: [string, Pick<Attachment, "namespacePath"> | object, string, number, string][] = [
    ["host to container", host, webIp, 80, `web ${gateway}`],
    ["host to unpublished port of container", host, webIp, 82, `private ${gateway}`],
    ["neighbour on the same network", peer, webIp, 80, `web ${peerIp}`],
    ["neighbour, unpublished port", peer, webIp, 82, `private ${peerIp}`],
    ["outside to published port", neighbour, "192.0.2.2", 8080, "web 192.0.2.1"],
    ["outside to port published on 127.0.0.1", neighbour, "192.0.2.2", 8081, "unreachable"],
    ["outside to container address, published port", neighbour, webIp, 80, "unreachable"],
    ["outside to container address, unpublished port", neighbour, webIp, 82, "unreachable"],
    ["host to published port by its address", host, "192.0.2.2", 8080, "web 192.0.2.2"],
    ["host to published port by 127.0.0.1", host, "127.0.0.1", 8080, `web ${gateway}`],
    ["host to port published on 127.0.0.1", host, "127.0.0.1", 8081, `local ${gateway}`],
    ["container to published port of its network by host address", peer, "192.0.2.2", 8080, `web ${gateway}`],
    ["container to published port by gateway", peer, gateway, 8080, `web ${gateway}`],
    ["container to itself by published port (hairpin)", web, "192.0.2.2", 8080, `web ${gateway}`],
    ["container to port published on 127.0.0.1 by gateway", peer, gateway, 8081, "unreachable"],
    ["container to a service of the host", web, gateway, 9000, `host ${webIp}`],
    ["container to outside", web, "192.0.2.1", 9001, "outside 192.0.2.2"],
    ["another store's container to container", other, webIp, 80, "unreachable"],
    ["another store's container to unpublished port", other, webIp, 82, "unreachable"],
    ["container to another store's container", web, other.address ?? "", 80, "unreachable"],
    ["another store's container to published port", other, "192.0.2.2", 8080, "web "],
  ];
  for (const filtered of ["0", "1"]) {
    setBridgeFilter(lab, filtered);
    for (const [name, from, address, port, expected] of cases) {
      await t.test(`${name}${filtered === "1" ? ", bridge-nf-call-iptables on" : ""}`, async () => {
        const isExpected = expected !== "unreachable";
        const answer = await lab[isExpected ? "connect" : "connectInVain"](from, address, port);
        assert.equal(expected.endsWith(" ") ? answer.slice(0, expected.length) : answer, expected);
      });
    }
  }
});

test("nothing is left after the last attachment", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  const before = snapshotOf(lab);
  const first = await networks.attach(
    request("a", { ports: [{ hostPort: 80, containerPort: 80, protocol: "tcp" }] }),
  );
  const second = await networks.attach(request("b"));
  assert.notDeepEqual(snapshotOf(lab), before);
  await first[Symbol.asyncDispose]();
  assert.ok(lab.host.links.find("lighter0"), "the bridge stays for the second");
  assert.deepEqual(JSON.stringify(lab.host.firewall.list("ruleset")).includes('"tcp",80'), false);
  await second[Symbol.asyncDispose]();
  assert.deepEqual(snapshotOf(lab), before);
});

test("a taken port is refused before the container starts, naming the holder", { skip }, async (t) => {
  await using lab = new Lab();
  const networks = lab.networks();
  const port = { hostPort: 8080, containerPort: 80, protocol: "tcp" } as const;
  await t.test("by a container", async () => {
    await using _held = await networks.attach(request("nginx", { ports: [port] }));
    await assert.rejects(networks.attach(request("second", { ports: [port] })), {
      code: "PORT_IN_USE",
      message:
        'cannot publish port 8080/tcp: already published by container "nginx"; choose another host port or stop it',
    });
    await using _udp = await networks.attach(request("udp", { ports: [{ ...port, protocol: "udp" }] }));
    await using _elsewhere = await networks.attach(
      request("elsewhere", { ports: [{ ...port, hostPort: 8081 }] }),
    );
  });
  await t.test("by a program of the host", async () => {
    const server = createServer().listen(8080, "127.0.0.1");
    await once(server, "listening");
    await assert.rejects(networks.attach(request("second", { ports: [port] })), (error) => {
      assert.ok(isLighterError(error, "PORT_IN_USE"));
      assert.match(error.message, new RegExp(`it is in use by \\S+ \\(pid ${process.pid}\\)`));
      return true;
    });
    server.close();
    await once(server, "close");
  });
  await t.test("only one of ten racers wins", async () => {
    const racers = Array.from({ length: 10 }, (_, at) =>
      networks.attach(request(`r${at}`, { ports: [port] })),
    );
    const results = await Promise.allSettled(racers);
    const winners = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    assert.equal(winners.length, 1);
    for (const winner of winners) await winner[Symbol.asyncDispose]();
  });
  await t.test("it is free again afterwards", async () => {
    await using again = await networks.attach(request("again", { ports: [port] }));
    assert.equal(again.ports[0]?.hostPort, 8080);
  });
  assert.deepEqual(
    lab.host.links
      .list()
      .map(({ name }) => name)
      .sort(),
    ["lo", "uplink"],
  );
});

test("a link of the host stays, whatever a network calls its bridge", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  const options = (name: string) => ({ options: { "com.docker.network.bridge.name": name } });
  await assert.rejects(networks.create({ name: "early", ...options("uplink") }), {
    code: "NETWORK_INVALID",
    message: /the host has a link "uplink"/,
  });
  await networks.create({ name: "mine", ...options("br0") });
  await assert.rejects(networks.create({ name: "same", ...options("br0") }), {
    code: "NETWORK_INVALID",
    message: /network mine has bridge name "br0" already/,
  });
  // Somebody makes a link of that name, before a container comes and while one is there.
  lab.host.links.createBridge("br0", { mac: "02:00:00:00:00:01", mtu: 1500, alias: "theirs" });
  await assert.rejects(networks.attach(request("a", { network: "mine" })), {
    code: "NETWORK_INVALID",
    message: /cannot use bridge "br0"/,
  });
  assert.equal(lab.host.links.find("br0")?.alias, "theirs");
  await lab.host.links.remove("br0");
  const one = await networks.attach(request("b", { network: "mine" }));
  await lab.host.links.remove("br0");
  lab.host.links.createBridge("br0", { mac: "02:00:00:00:00:01", mtu: 1500, alias: "theirs" });
  await one[Symbol.asyncDispose]();
  assert.equal(lab.host.links.find("br0")?.alias, "theirs");
});

test("a random host port is taken when none is given", { skip }, async () => {
  await using lab = new Lab();
  await using web = await lab.networks().attach(
    request("web", {
      ports: [
        { containerPort: 80, protocol: "tcp" },
        { containerPort: 53, protocol: "udp" },
      ],
    }),
  );
  lab.serve(web, "web", 80);
  const [tcp, udp] = web.ports;
  assert.ok(tcp?.hostPort !== undefined && tcp.hostPort > 1024 && udp?.hostPort !== undefined);
  assert.match(await lab.connect({}, "127.0.0.1", tcp.hostPort), /^web /);
});

test("udp ports are published", { skip }, async () => {
  await using lab = new Lab();
  await using dns = await lab
    .networks()
    .attach(request("dns", { ports: [{ hostPort: 5353, containerPort: 53, protocol: "udp" }] }));
  lab.serveUdp(dns, "dns", 53);
  for (const address of ["127.0.0.1", "192.0.2.2"]) {
    using client = new UdpClient(address, 5353);
    assert.equal(await client.ask("dns"), "dns", address);
  }
});

test("a udp client that keeps sending follows the port to its next container", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  // Somebody stays, so that the bridge and the addresses do.
  await using _stays = await networks.attach(request("stays"));
  const ports = [{ hostPort: 5353, containerPort: 53, protocol: "udp" }] as const;
  using client = new UdpClient("192.0.2.2", 5353);
  assert.equal(await client.ask("anything", 500), "none");
  for (const name of ["first", "second"]) {
    await using container = await networks.attach(request(name, { ports }));
    lab.serveUdp(container, name, 53);
    assert.equal(await client.ask(name), name);
  }
});

test("forwarding is switched on, and what it was is written down", { skip }, async () => {
  await using lab = new Lab();
  lab.host.links.setSetting("net/ipv4/ip_forward", "0");
  {
    await using _attached = await lab.networks().attach(request("a"));
    assert.equal(lab.host.links.getSetting("net/ipv4/ip_forward"), "1");
  }
  const state = JSON.parse(readFileSync(`${lab.made("store")}/network/state.json`, "utf8"));
  assert.deepEqual(state.changedSettings, { "net/ipv4/ip_forward": "0" });
});

test("addresses are given in turn and never twice", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await using first = await networks.attach(request("first"));
  const second = await networks.attach(request("second"));
  await second[Symbol.asyncDispose]();
  await using third = await networks.attach(request("third"));
  assert.deepEqual(
    [first.address, second.address, third.address],
    ["172.17.0.2", "172.17.0.3", "172.17.0.4"],
  );
  const many = await Promise.all(Array.from({ length: 20 }, (_, at) => networks.attach(request(`c${at}`))));
  assert.equal(new Set(many.map(({ address }) => address)).size, 20);
  await Promise.all(many.map((one) => one[Symbol.asyncDispose]()));
});

test("subnets that the host reaches already are skipped", { skip }, async () => {
  await using lab = new Lab();
  lab.host.links.addRoute({ destination: "172.16.0.0/15", gateway: "192.0.2.1" });
  lab.host.links.createBridge("docker0", {});
  lab.host.links.addAddress("docker0", "172.18.0.1/16");
  await using attached = await lab.networks().attach(request("a"));
  assert.equal(attached.gateway, "172.19.0.1");
});

test("two stores on one host have bridges, subnets and tables of their own", { skip }, async () => {
  await using lab = new Lab();
  const [one, two] = await Promise.all(
    ["one", "two"].map((root) => lab.networks(root).attach(request(root))),
  );
  assert.ok(one && two);
  const bridges = lab.host.links.list().filter(({ kind }) => kind === "bridge");
  assert.deepEqual(bridges.map(({ name }) => name).sort(), ["lighter0", "lighter1"]);
  assert.notEqual(one.gateway, two.gateway);
  await one[Symbol.asyncDispose]();
  assert.equal(await lab.pings(two, two.gateway ?? ""), true);
  await two[Symbol.asyncDispose]();
});

test("a firewall table that somebody removed comes back with the next attachment", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await using _first = await networks.attach(request("first"));
  lab.host.firewall.apply("flush ruleset");
  await using second = await networks.attach(request("second"));
  lab.serve(lab.neighbour, "outside", 9001);
  assert.equal(await lab.connect(second, "192.0.2.1", 9001), "outside 192.0.2.2");
});

test("other tables' rules are untouched and keep the last word", { skip }, async () => {
  await using lab = new Lab();
  lab.host.firewall.apply(
    "table inet admin {\nchain forward {\ntype filter hook forward priority 10; policy drop;\n}\n}",
  );
  {
    await using web = await lab
      .networks()
      .attach(request("web", { ports: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] }));
    lab.serve(web, "web", 80);
    assert.equal(
      await lab.connectInVain({ namespacePath: lab.neighbour.path }, "192.0.2.2", 8080),
      "unreachable",
    );
  }
  assert.ok(lab.host.firewall.hasTable("admin"));
});

test("host and none", { skip }, async () => {
  await using lab = new Lab();
  const networks = lab.networks();
  await using host = await networks.attach(request("h", { network: "host" }));
  assert.equal(host.namespacePath, undefined);
  await using none = await networks.attach(request("n", { network: "none" }));
  const { stdout } = await lab.run(none.namespacePath, ["ip", "-o", "link"]);
  assert.match(stdout.toString(), /^1: lo: <LOOPBACK,UP/);
  assert.equal(stdout.toString().trim().split("\n").length, 1);
  await assert.rejects(networks.attach(request("x", { network: "nope" })), { code: "NETWORK_NOT_FOUND" });
});

/** A client with one port of its own, which sends again what was lost: no datagram is sure to arrive. */
class UdpClient implements Disposable {
  readonly #socket = createSocket("udp4");
  readonly #send: () => void;
  #last = "none";

  constructor(address: string, port: number) {
    this.#send = () => this.#socket.send("hello", port, address);
    this.#socket.on("message", (answer) => {
      this.#last = String(answer).trim();
    });
    // Refused on the way: nobody is there yet.
    this.#socket.on("error", () => {});
  }

  /** Asks until this is the answer. @returns the last answer, or `none` */
  async ask(wanted: string, patienceMs = 60_000): Promise<string> {
    for (const end = Date.now() + patienceMs; this.#last !== wanted && Date.now() < end; ) {
      this.#send();
      await delay(50);
    }
    return this.#last;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

function setBridgeFilter(lab: Lab, value: string): void {
  try {
    lab.host.links.setSetting("net/bridge/bridge-nf-call-iptables", value);
  } catch {
    // br_netfilter is not loaded: both rounds then test the same.
  }
}

function snapshotOf(lab: Lab): object {
  return {
    links: lab.host.links.list().map(({ name }) => name),
    firewall: JSON.stringify(lab.host.firewall.list("tables")),
    routes: lab.host.links.routes().filter(({ destination }) => !destination?.startsWith("fe80")),
  };
}
