import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { broadcastAddress, decodeAddress, encodeAddress, encodeCidr } from "./internet-address.ts";

fc.configureGlobal({ seed: Number(process.env["FUZZ_SEED"] ?? 1) });

test("addresses", () => {
  const cases: [string, string, string?][] = [
    ["172.17.0.1", "ac110001"],
    ["0.0.0.0", "00000000"],
    ["::", "00".repeat(16)],
    ["::1", `${"00".repeat(15)}01`],
    ["fe80::42:ff:fe00:9", "fe800000000000000042" + "00fffe000009"],
    ["2001:db8:0:0:1:0:0:1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["::ffff:10.0.0.1", `${"00".repeat(10)}ffff0a000001`, "::ffff:a00:1"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1:0:3:4:5:6:7:8", "00010000000300040005000600070008"],
  ];
  for (const [text, hex, canonical = text] of cases) {
    assert.equal(encodeAddress(text).bytes.toString("hex"), hex, text);
    assert.equal(decodeAddress(Buffer.from(hex, "hex")), canonical, text);
  }
});

test("every address survives the way there and back", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
      ),
      (bytes) => {
        assert.deepEqual([...encodeAddress(decodeAddress(Buffer.from(bytes))).bytes], [...bytes]);
      },
    ),
  );
});

test("an address is what Node takes for one", () => {
  const piece = fc.constantFrom(
    "0",
    "1",
    "9",
    "a",
    "F",
    "25",
    "256",
    "01",
    ":",
    "::",
    ".",
    "%",
    "g",
    "1.2.3.4",
    "abcd",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 18 }), (pieces) => {
      const text = pieces.join("");
      const isAddress = isIP(text) !== 0 && !text.includes("%");
      if (isAddress) assert.equal(encodeAddress(text).bytes.length, isIP(text) === 4 ? 4 : 16, text);
      else assert.throws(() => encodeAddress(text), { code: "ARGUMENT_INVALID" }, text);
    }),
    { numRuns: 3000 },
  );
});

test("networks", () => {
  const cases: [string, number, string][] = [
    ["172.17.0.1/16", 16, "172.17.255.255"],
    ["192.168.16.1/20", 20, "192.168.31.255"],
    ["10.0.0.1/32", 32, "10.0.0.1"],
    ["10.0.0.1/0", 0, "255.255.255.255"],
  ];
  for (const [text, prefix, broadcast] of cases) {
    const encoded = encodeCidr(text);
    assert.equal(encoded.prefix, prefix);
    assert.equal(decodeAddress(broadcastAddress(encoded)), broadcast);
  }
});

test("what is no address is refused", () => {
  for (const text of ["", "1.2.3", "1.2.3.4.5", "fe80::1%eth0", "host", "1.2.3.4/16"])
    assert.throws(() => encodeAddress(text), { code: "ARGUMENT_INVALID" }, text);
  for (const text of ["10.0.0.1", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/x", "::/129", "10.0.0.1/"])
    assert.throws(() => encodeCidr(text), { code: "ARGUMENT_INVALID" }, text);
});
