import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEgress } from "./egress-rule.ts";

test("what may be reached", () => {
  const cases: [string, ReturnType<typeof parseEgress>][] = [
    ["api.example.com", { kind: "name", host: "api.example.com" }],
    ["API.example.com.:443", { kind: "name", host: "api.example.com", port: 443 }],
    ["*.npmjs.org:443", { kind: "name", host: "*.npmjs.org", port: 443 }],
    ["10.0.0.1", { kind: "subnet", host: "10.0.0.1/32", version: 4 }],
    ["10.1.2.3/8:53", { kind: "subnet", host: "10.0.0.0/8", version: 4, port: 53 }],
    ["2001:db8::1", { kind: "subnet", host: "2001:db8::1/128", version: 6 }],
    ["[2001:db8::/32]:443", { kind: "subnet", host: "2001:db8::/32", version: 6, port: 443 }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseEgress(text), expected, text);
  for (const text of [
    "",
    "a b",
    "http://x",
    "x:0",
    "x:70000",
    "10.0.0.0/33",
    "a..b",
    "-x",
    "x}; flush ruleset",
  ])
    assert.throws(() => parseEgress(text), { code: "NETWORK_INVALID" }, text);
});
