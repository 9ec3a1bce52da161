import assert from "node:assert/strict";
import { test } from "node:test";
import { renderResolvConf } from "./resolv-conf.ts";

const source = "/etc/resolv.conf";
const kept = "# From /etc/resolv.conf of the host.";
const replaced = "# /etc/resolv.conf names no server that a container can reach: public ones are used.";

test("a container's resolv.conf", () => {
  const cases: [string, string[], string[]][] = [
    [
      "servers are copied",
      ["nameserver 10.0.0.53", "nameserver 10.0.0.54"],
      [kept, "nameserver 10.0.0.53", "nameserver 10.0.0.54"],
    ],
    [
      "search and options stay",
      ["search a.b c.d", "nameserver 10.0.0.53", "options ndots:2"],
      [kept, "nameserver 10.0.0.53", "search a.b c.d", "options ndots:2"],
    ],
    ["comments go", ["# hi", "; there", "nameserver 10.0.0.53"], [kept, "nameserver 10.0.0.53"]],
    ["loopback servers go", ["nameserver 127.0.0.1", "nameserver 10.0.0.53"], [kept, "nameserver 10.0.0.53"]],
    [
      "with only loopback servers docker's are taken",
      ["nameserver 127.0.1.1", "search lan"],
      [replaced, "nameserver 8.8.8.8", "nameserver 8.8.4.4", "search lan"],
    ],
    [
      "IPv6 servers go",
      ["nameserver fe80::1%eth0", "nameserver ::1", "nameserver 1.1.1.1"],
      [kept, "nameserver 1.1.1.1"],
    ],
    ["an empty file", [], [replaced, "nameserver 8.8.8.8", "nameserver 8.8.4.4"]],
    ["tabs and spaces", ["  nameserver\t9.9.9.9  "], [kept, "nameserver 9.9.9.9"]],
  ];
  for (const [name, input, expected] of cases)
    assert.equal(renderResolvConf(input.join("\n"), source), `${expected.join("\n")}\n`, name);
});
