import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { createHost } from "#host";
import { outputOf, unprivileged } from "./machine.ts";

const host = createHost();
const options = { skip: unprivileged };

test("a new network has loopback up and nothing else, and this thread stays at home", options, () => {
  const home = readlinkSync("/proc/thread-self/ns/net");
  using network = host.namespaces.createNetwork();
  assert.equal(readlinkSync("/proc/thread-self/ns/net"), home);
  assert.notEqual(readlinkSync(network.path), home);
  const links = outputOf("nsenter", `--net=${network.path}`, "ip", "-brief", "link");
  assert.match(links, /^lo\s+UNKNOWN.*UP/);
  assert.equal(links.trim().split("\n").length, 1);
});

test("the network of a process", options, () => {
  using network = host.namespaces.openNetwork(process.pid);
  assert.equal(readlinkSync(network.path), readlinkSync("/proc/self/ns/net"));
  assert.throws(
    () => host.namespaces.openNetwork(2 ** 22 + 1),
    /cannot open "\/proc\/\d+\/ns\/net": no such file/,
  );
});

test("a hundred networks leave no descriptor behind", options, () => {
  const before = readdirSync("/proc/self/fd").length;
  for (let count = 0; count < 100; count += 1) {
    const network = host.namespaces.createNetwork();
    network[Symbol.dispose]();
    network[Symbol.dispose]();
    assert.ok(!existsSync(network.path));
  }
  assert.equal(readdirSync("/proc/self/fd").length, before);
});
