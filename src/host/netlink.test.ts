import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attribute,
  attributeText,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  nestedAttribute,
  numberAttribute,
  textAttribute,
} from "./netlink.ts";

test("a message has its length, type, flags and sequence before its parts", () => {
  const message = encodeMessage({ type: 16, flags: 5, sequence: 7 }, [Buffer.from([1, 2, 3, 4])]);
  assert.equal(message.toString("hex"), "14000000" + "1000" + "0500" + "07000000" + "00000000" + "01020304");
});

test("attributes are padded to four bytes and their length does not count the padding", () => {
  assert.equal(attribute(3, Buffer.from("ab")).toString("hex"), "06000300" + "61620000");
  assert.equal(textAttribute(3, "abc").toString("hex"), "08000300" + "61626300");
  assert.equal(numberAttribute(4, 1500).toString("hex"), "08000400" + "dc050000");
  assert.equal(
    nestedAttribute(18, [numberAttribute(4, 1)]).toString("hex"),
    "0c001280" + "08000400" + "01000000",
  );
});

test("what was encoded is decoded", () => {
  const parts = [textAttribute(1, "eth0"), nestedAttribute(2, [numberAttribute(3, 9)])];
  const two = Buffer.concat([1, 2].map((sequence) => encodeMessage({ type: 20, flags: 0, sequence }, parts)));
  const messages = decodeMessages(two);
  assert.equal(messages.length, 2);
  const attributes = decodeAttributes(messages[1]?.body ?? Buffer.alloc(0));
  assert.equal(attributeText(attributes.get(1)), "eth0");
  assert.equal(
    decodeAttributes(attributes.get(2) ?? Buffer.alloc(0))
      .get(3)
      ?.readUInt32LE(0),
    9,
  );
});

test("lengths that lie end the reading", () => {
  const cases: [string, string][] = [
    ["shorter than a header", "0200010000000000"],
    ["longer than what came", "ff00010000000000"],
    ["nothing", ""],
  ];
  for (const [name, hex] of cases) assert.equal(decodeAttributes(Buffer.from(hex, "hex")).size, 0, name);
  assert.deepEqual(decodeMessages(Buffer.from(`ff000000${"00".repeat(12)}`, "hex")), []);
  assert.deepEqual(decodeMessages(Buffer.from(`04000000${"00".repeat(12)}`, "hex")), []);
});
