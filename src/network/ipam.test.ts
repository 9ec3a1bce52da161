import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  canonicalSubnet,
  chooseSubnet,
  containsAddress,
  containsSubnet,
  defaultPools,
  findOverlap,
  firstAddress,
  isUsable,
  nextAddress,
} from "./ipam.ts";

fc.configureGlobal({ seed: Number(process.env["FUZZ_SEED"] ?? 1) });

test("the first default subnet that nothing else reaches", () => {
  const cases: [string, readonly string[], string][] = [
    ["nothing", [], "172.17.0.0/16"],
    ["the host's own network", ["192.0.2.0/24", "fe80::/64"], "172.17.0.0/16"],
    ["docker0", ["172.17.0.1/16"], "172.18.0.0/16"],
    ["one address inside", ["172.17.200.7/32"], "172.18.0.0/16"],
    ["a wide one around several", ["172.16.0.0/14"], "172.20.0.0/16"],
    ["all of 172.16/12", ["172.16.0.0/12"], "192.168.0.0/20"],
    ["a home network", ["172.16.0.0/12", "192.168.1.0/24"], "192.168.16.0/20"],
  ];
  for (const [name, used, expected] of cases) assert.equal(chooseSubnet(used), expected, name);
  assert.throws(() => chooseSubnet(["172.16.0.0/12", "192.168.0.0/16"]), { code: "NETWORK_EXHAUSTED" });
  assert.equal(defaultPools.length, 31);
});

test("addresses go round", () => {
  const cases: [string, string, readonly string[], string | undefined, string][] = [
    ["the first", "172.17.0.0/16", ["172.17.0.1"], undefined, "172.17.0.2"],
    ["after the last one", "172.17.0.0/16", ["172.17.0.1"], "172.17.0.2", "172.17.0.3"],
    ["over a taken one", "172.17.0.0/16", ["172.17.0.1", "172.17.0.4"], "172.17.0.3", "172.17.0.5"],
    ["over a byte", "172.17.0.0/16", ["172.17.0.1"], "172.17.0.255", "172.17.1.0"],
    ["back to the start", "10.0.0.0/29", ["10.0.0.1"], "10.0.0.6", "10.0.0.2"],
    ["never the broadcast address", "10.0.0.0/29", ["10.0.0.1"], "10.0.0.5", "10.0.0.6"],
    ["a subnet written by an inner address", "10.0.0.9/29", ["10.0.0.9"], undefined, "10.0.0.10"],
    ["version 6", "fd00::/64", ["fd00::1"], "fd00::ffff", "fd00::1:0"],
  ];
  for (const [name, subnet, taken, last, expected] of cases)
    assert.equal(nextAddress({ subnet, taken: new Set(taken), last }), expected, name);
  assert.equal(firstAddress("172.17.0.0/16"), "172.17.0.1");
});

test("a range limits what is given", () => {
  const give = (range: string, taken: readonly string[], last?: string): string =>
    nextAddress({ subnet: "10.0.0.0/24", range, taken: new Set(taken), last });
  assert.equal(give("10.0.0.128/30", ["10.0.0.1"]), "10.0.0.128");
  assert.equal(give("10.0.0.128/30", ["10.0.0.1"], "10.0.0.131"), "10.0.0.128");
  assert.equal(give("10.0.0.252/30", ["10.0.0.252", "10.0.0.253"]), "10.0.0.254");
  assert.equal(give("10.0.0.0/30", ["10.0.0.1"]), "10.0.0.2");
  assert.throws(() => give("10.0.0.252/30", ["10.0.0.252", "10.0.0.253", "10.0.0.254"]), {
    code: "NETWORK_EXHAUSTED",
  });
});

test("subnets and addresses compare", () => {
  assert.equal(canonicalSubnet("10.1.2.3/16"), "10.1.0.0/16");
  assert.equal(canonicalSubnet("FD00:0::1/64"), "fd00::/64");
  assert.equal(findOverlap("10.0.0.0/8", ["192.168.0.0/16", "10.9.0.1/32"]), "10.9.0.1/32");
  assert.equal(findOverlap("10.0.0.0/8", ["fd00::/8"]), undefined);
  assert.equal(containsAddress("10.0.0.0/30", "10.0.0.3"), true);
  assert.equal(containsAddress("10.0.0.0/30", "10.0.0.4"), false);
  assert.equal(containsSubnet("10.0.0.0/24", "10.0.0.128/25"), true);
  assert.equal(containsSubnet("10.0.0.128/25", "10.0.0.0/24"), false);
  assert.deepEqual(
    ["10.0.0.0", "10.0.0.1", "10.0.0.254", "10.0.0.255", "10.0.1.0"].map((address) =>
      isUsable("10.0.0.0/24", address),
    ),
    [false, true, true, false, false],
  );
});

test("a full network gives no address", () => {
  const taken = new Set(["10.0.0.1", "10.0.0.2"]);
  assert.throws(() => nextAddress({ subnet: "10.0.0.0/30", taken, last: "10.0.0.2" }), {
    code: "NETWORK_EXHAUSTED",
  });
});

test("no address is given twice, and all are given", () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 29 }), fc.nat(100), (prefix, start) => {
      const subnet = `10.0.0.0/${prefix}`;
      const taken = new Set<string>();
      let last: string | undefined = `10.0.0.${start % 6}`;
      const count = Math.min(60, 2 ** (32 - prefix) - 2);
      for (let given = 0; given < count; given += 1) {
        last = nextAddress({ subnet, taken, last });
        assert.ok(!taken.has(last));
        taken.add(last);
      }
    }),
  );
});
