import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { test } from "node:test";
import { createHost, type Host } from "#host";
import { openSys } from "../../src/host/sys.ts";

const CLONE_NEWNET = 0x40000000;
const skip = process.getuid?.() === 0 ? false : "needs root";

/** A host whose network is empty; the machine's own is not touched. */
function emptyHost(): Host {
  assert.equal(openSys().unshare(CLONE_NEWNET), 0);
  return createHost();
}

test("a bridge has the mac, size and alias asked for", { skip }, async () => {
  const { links } = emptyHost();
  links.createBridge("br0", { mac: "02:00:00:00:00:09", mtu: 1400, alias: "whose it is" });
  links.addAddress("br0", "10.1.0.1/24");
  links.addAddress("br0", "fd00::1/64");
  links.setUp("br0");
  const { index: _, ...found } = links.find("br0") ?? assert.fail("no bridge");
  assert.deepEqual(
    { ...found, addresses: found.addresses.filter((address) => !address.startsWith("fe80")) },
    {
      name: "br0",
      kind: "bridge",
      alias: "whose it is",
      mac: "02:00:00:00:00:09",
      up: true,
      mtu: 1400,
      addresses: ["10.1.0.1/24", "fd00::1/64"],
    },
  );
  assert.deepEqual(
    links.routes().filter(({ destination }) => destination?.startsWith("10.")),
    [{ link: "br0", destination: "10.1.0.0/24" }],
  );
  await links.remove("br0");
  assert.equal(links.find("br0"), undefined);
});

test("the far end of a pair is born in its namespace and acts there", { skip }, async () => {
  const { links, namespaces, processes } = emptyHost();
  using namespace = namespaces.createNetwork();
  links.createBridge("br0", {});
  links.createVeth({
    name: "near",
    bridge: "br0",
    hairpin: true,
    peer: "eth0",
    peerNamespace: namespace,
    peerMac: "02:00:00:00:00:02",
  });
  assert.deepEqual(
    links
      .list()
      .map(({ name }) => name)
      .sort(),
    ["br0", "lo", "near"],
  );
  const { stdout } = await processes.run("ip", ["-details", "link", "show", "dev", "near"]);
  assert.match(stdout.toString(), /numtxqueues 1 numrxqueues 1 /, "the kernel takes none back");
  links.addAddress("eth0", "10.1.0.2/24", namespace);
  links.setUp("eth0", namespace);
  links.addRoute({ gateway: "10.1.0.1" }, namespace);
  links.addRoute({ destination: "10.9.0.0/16", link: "eth0" }, namespace);
  assert.equal(links.find("eth0", namespace)?.mac, "02:00:00:00:00:02");
  assert.deepEqual(
    links.routes(namespace).filter(({ destination }) => !destination?.includes(":")),
    [
      { link: "eth0", gateway: "10.1.0.1" },
      { link: "eth0", destination: "10.1.0.0/24" },
      { link: "eth0", destination: "10.9.0.0/16" },
    ],
  );
  assert.equal(links.find("eth0"), undefined, "the host has no eth0");
  await links.remove("near");
  assert.equal(links.find("eth0", namespace), undefined, "both ends go");
});

test("settings are the namespace's", { skip }, () => {
  const { links, namespaces } = emptyHost();
  using namespace = namespaces.createNetwork();
  links.setSetting("net/ipv4/ip_forward", "0");
  links.setSetting("net/ipv4/ip_forward", "1", namespace);
  assert.equal(links.getSetting("net/ipv4/ip_forward"), "0");
  assert.equal(links.getSetting("net/ipv4/ip_forward", namespace), "1");
});

test("failures name what was tried, with the kernel's words", { skip }, async () => {
  const { links } = emptyHost();
  links.createBridge("br0", {});
  const cases: [() => void | Promise<void>, RegExp][] = [
    [() => links.createBridge("br0", {}), /^cannot create "br0": file already exists \(EEXIST\)/],
    [() => links.setUp("nope"), /^cannot start "nope": no such device \(ENODEV\)/],
    [() => links.addAddress("nope", "10.0.0.1/24"), /^cannot find link "nope"/],
    [
      () => links.addRoute({ gateway: "10.99.0.1" }),
      /^cannot add route to "default": network is unreachable \(ENETUNREACH\): Nexthop has invalid gateway/,
    ],
    [() => links.setSetting("net/ipv4/nope", "1"), /^cannot change setting "net\/ipv4\/nope"/],
    [() => links.remove("nope"), /^cannot remove "nope": no such device/],
  ];
  for (const [act, message] of cases)
    await assert.rejects(async () => act(), { name: "LighterError", message });
});

test("a firewall script is applied as a whole or not at all", { skip }, () => {
  const { firewall } = emptyHost();
  assert.equal(firewall.hasTable("t"), false);
  firewall.apply("table inet t {\nset s {\ntype ipv4_addr\nelements = { 10.0.0.1 }\n}\n}");
  assert.equal(firewall.hasTable("t"), true);
  assert.match(JSON.stringify(firewall.list("table inet t")), /10\.0\.0\.1/);
  assert.throws(() => firewall.apply("add element inet t s { 10.0.0.2 }\nadd element inet t nope { 1 }"), {
    code: "FIREWALL_FAILED",
    message: /^cannot change "firewall": No such file or directory/,
  });
  assert.doesNotMatch(JSON.stringify(firewall.list("table inet t")), /10\.0\.0\.2/);
  assert.throws(() => firewall.list("table inet nope"), { code: "FIREWALL_FAILED" });
});

test("a table is removed with all that is in it, and one that is not there already has been", {
  skip,
}, () => {
  const { firewall } = emptyHost();
  firewall.apply(
    "table inet t {\nset s {\ntype ipv4_addr\n}\nchain c {\nip saddr @s drop\n}\n}\ntable inet u {\n}",
  );
  {
    using removed = firewall.removeTable("t");
    assert.match(readlinkSync(`/proc/self/fd/${removed.fd}`), /^socket:/);
    assert.equal(firewall.hasTable("t"), false);
    assert.equal(firewall.hasTable("u"), true);
  }
  using again = firewall.removeTable("t");
  assert.ok(again.fd >= 0);
});

test("without libnftables the nft program does the same", { skip }, async () => {
  const { createFirewall } = await import("../../src/host/firewall.ts");
  assert.equal(openSys().unshare(CLONE_NEWNET), 0);
  const sys = openSys();
  const noLibrary = {
    ...sys,
    native: {
      ...sys.native,
      load: (path: string | null) => {
        if (path !== null) throw new Error("absent");
        return sys.native.load(path);
      },
    },
  };
  const { processes } = createHost();
  const firewall = createFirewall(noLibrary, processes);
  firewall.apply("table inet t {\n}");
  assert.match(JSON.stringify(firewall.list("tables")), /"name":"t"/);
  assert.throws(() => firewall.apply("nonsense"), {
    code: "FIREWALL_FAILED",
    message: /^cannot change "firewall": syntax error/,
  });
  assert.throws(() => createFirewall(noLibrary, { ...processes, find: () => undefined }).apply("x"), {
    code: "PROGRAM_MISSING",
  });
});
