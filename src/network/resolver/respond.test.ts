import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "dns-packet";
import fc from "fast-check";
import { type Endpoint, emptyState, type NetworkState, type Sandbox } from "../network-state.ts";
import { splitMessages } from "./forward.ts";
import { reversedAddress } from "./name-table.ts";
import { encodeAnswer, judgeQuery, readQuery } from "./respond.ts";

const count = 60;
const sandboxes = Array.from(
  { length: count },
  (_, at): Sandbox => ({
    id: `s${at}`,
    containerId: `${at}`.padStart(64, "0"),
    containerName: `c${at}`,
    hostname: "",
    namespace: { path: "", inode: at },
    ports: [],
  }),
);
const endpoints = sandboxes.map(
  ({ id }, at): Endpoint => ({
    id: `e${at}`,
    sandbox: id,
    network: "net",
    inner: "eth0",
    address: `10.0.0.${at + 2}`,
    mac: "",
    aliases: ["all"],
    links: [],
  }),
);
const state: NetworkState = { ...emptyState("b"), sandboxes, endpoints };
const [asker] = sandboxes;

function question(name: string, udpPayloadSize?: number) {
  const opt = {
    type: "OPT",
    name: ".",
    udpPayloadSize: udpPayloadSize ?? 0,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  } as const;
  const bytes = encode({
    type: "query",
    id: 9,
    flags: 256,
    questions: [{ type: "A", name }],
    additionals: udpPayloadSize === undefined ? [] : [{ ...opt, options: [] }],
  });
  const query = readQuery(bytes);
  assert.ok(query !== undefined && asker !== undefined);
  const verdict = judgeQuery(query, { state, asker, turn: 1 });
  assert.ok(verdict.kind === "answer");
  return { query, answers: verdict.answers };
}

test("an answer that is too long for UDP says so; by EDNS and by TCP it is whole", () => {
  const cases: [string, number | undefined, boolean, boolean][] = [
    ["plain UDP", undefined, false, true],
    ["a small EDNS", 600, false, true],
    ["a large EDNS", 4096, false, false],
    ["TCP", undefined, true, false],
  ];
  for (const [name, size, overTcp, isCut] of cases) {
    const { query, answers } = question("ALL", size);
    const decoded = decode(encodeAnswer(query, answers, overTcp));
    assert.equal(decoded.flag_tc, isCut, name);
    assert.equal(decoded.answers?.length, isCut ? 0 : count, name);
    assert.equal(decoded.questions?.[0]?.name, "ALL", name);
  }
});

test("nothing that comes in throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const query = readQuery(Buffer.from(bytes));
      if (query !== undefined && asker !== undefined) judgeQuery(query, { state, asker, turn: 0 });
    }),
  );
});

test("messages over TCP, cut anywhere", () => {
  const message = Buffer.from([0, 3, 1, 2, 3, 0, 1, 9, 0]);
  const { messages, rest } = splitMessages(message);
  assert.deepEqual([messages.map((one) => [...one]), [...rest]], [[[1, 2, 3], [9]], [0]]);
});

test("reverse names", () => {
  assert.equal(reversedAddress("2.0.17.172.in-addr.arpa"), "172.17.0.2");
  const nibbles = `${"2".padEnd(31, "0").split("").join(".")}.f.ip6.arpa`;
  assert.equal(reversedAddress(nibbles), "f000:0000:0000:0000:0000:0000:0000:0002");
  assert.equal(reversedAddress("example.org"), undefined);
});
