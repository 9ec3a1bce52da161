import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isLighterError } from "#base";
import { type TarEntry, tarEntry } from "./entry.ts";
import { decodeName, encodeName } from "./name.ts";
import { formatPax } from "./pax.ts";
import { readTar } from "./read-bytes.ts";
import { TarReader } from "./reader.ts";
import { formatTarHeader, tarEnd, tarPadding } from "./writer.ts";

fc.configureGlobal({ seed: Number(process.env["FUZZ_SEED"] ?? 1) });

function tar(items: readonly { readonly entry: TarEntry; readonly data?: Uint8Array }[]): Buffer {
  const parts = items.flatMap(({ entry, data = Buffer.alloc(0) }) => [
    formatTarHeader(entry),
    data,
    tarPadding(data.length),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}

/** Writes over a finished header and sums it again. */
function patched(header: Buffer, at: number, text: string): Buffer {
  const block = Buffer.from(header);
  block.write(text, at, "latin1");
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

const isInvalid = (error: unknown): boolean => isLighterError(error, "ARCHIVE_INVALID");

const names = fc.oneof(
  fc.stringMatching(/^[a-z0-9._-]{1,40}(\/[a-z0-9._-]{1,60}){0,8}$/),
  fc.string({ minLength: 1, maxLength: 120, unit: "grapheme" }).filter((text) => !/[/\0]/.test(text)),
  fc
    .uint8Array({ minLength: 1, maxLength: 60 })
    .map((bytes) => decodeName(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 1 : byte)))),
);

const entries = fc.record({
  path: names,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 0xffff_fffe })),
  gid: fc.integer({ min: 0, max: 0xffff_fffe }),
  mtimeSeconds: fc.oneof(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
  mtimeNanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
  userName: fc.oneof(
    fc.constant(""),
    fc.string({ maxLength: 40 }).filter((text) => !text.includes("\0")),
  ),
  xattrs: fc.dictionary(fc.stringMatching(/^user\.[a-z]{1,9}$/), fc.uint8Array({ maxLength: 40 }), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
  data: fc.uint8Array({ maxLength: 1500 }),
});

test("what is written is read again, in chunks of any size", () => {
  fc.assert(
    fc.property(
      fc.array(entries, { maxLength: 5 }),
      fc.integer({ min: 1, max: 3000 }),
      (list, chunkBytes) => {
        const items = list.map(({ data, xattrs, ...fields }) => ({
          entry: tarEntry({
            ...fields,
            sizeBytes: data.length,
            xattrs: new Map(Object.entries(xattrs).sort()),
          }),
          data,
        }));
        const bytes = tar(items);
        const found: { entry: TarEntry; data: Uint8Array }[] = [];
        let data = Buffer.alloc(0);
        const reader = new TarReader({
          onEntry: (entry) => (data = Buffer.alloc(entry.sizeBytes)),
          onData: (chunk, offset) => chunk.copy(data, offset),
          onEntryEnd: (entry) => found.push({ entry, data }),
        });
        for (let at = 0; at < bytes.length; at += chunkBytes)
          reader.write(bytes.subarray(at, at + chunkBytes));
        reader.end();
        const plain = (rows: readonly { entry: TarEntry; data: Uint8Array }[]) =>
          rows.map((row) => [
            { ...row.entry, xattrs: [...row.entry.xattrs].map(([name, value]) => [name, [...value]]) },
            [...row.data],
          ]);
        assert.deepEqual(plain(found), plain(items));
      },
    ),
    { numRuns: 300 },
  );
});

test("the same entry gives the same bytes, and ustar alone where that is enough", () => {
  const entry = tarEntry({ path: "etc/passwd", sizeBytes: 12, mtimeSeconds: 1_700_000_000 });
  assert.deepEqual(formatTarHeader(entry), formatTarHeader({ ...entry }));
  const sizes: readonly (readonly [what: string, fields: Partial<TarEntry>, headerBytes: number])[] = [
    ["plain", {}, 512],
    ["a name of 100 bytes", { path: "n".repeat(100) }, 512],
    ["a name that splits at a slash", { path: `${"d".repeat(120)}/${"n".repeat(100)}` }, 512],
    ["a name that does not split", { path: "n".repeat(101) }, 1536],
    ["a name with an umlaut", { path: "ü" }, 1536],
    ["the largest owner ustar holds", { uid: 0o7777777 }, 512],
    ["a larger owner", { uid: 0o10000000 }, 1536],
    ["8 GiB less one", { sizeBytes: 2 ** 33 - 1 }, 512],
    ["8 GiB", { sizeBytes: 2 ** 33 }, 1536],
    ["before 1970", { mtimeSeconds: -1 }, 1536],
    ["a fraction", { mtimeNanoseconds: 1 }, 1536],
    ["an attribute", { xattrs: new Map([["user.a", Buffer.from("b")]]) }, 1536],
  ];
  for (const [what, fields, headerBytes] of sizes)
    assert.equal(formatTarHeader({ ...entry, ...fields }).length, headerBytes, what);
});

const plain = formatTarHeader(tarEntry({ path: "a" }));

const malformed: readonly (readonly [what: string, bytes: Buffer])[] = [
  ["random bytes", Buffer.alloc(1024, "x")],
  ["a changed byte", Buffer.concat([Buffer.from(plain).fill("b", 0, 1), tarEnd])],
  ["a number that is none", Buffer.concat([patched(plain, 124, "9zzzzzzzzzz"), tarEnd])],
  [
    "a size beyond what a number holds",
    Buffer.concat([patched(plain, 124, `\x80${"\xff".repeat(11)}`), tarEnd]),
  ],
  ["a negative size", Buffer.concat([patched(plain, 124, "\xff".repeat(12)), tarEnd])],
  ["an unknown type", Buffer.concat([patched(plain, 156, "?"), tarEnd])],
  [
    "a pax header larger than the limit",
    Buffer.concat([patched(patched(plain, 156, "x"), 124, "00010000000"), tarEnd]),
  ],
  [
    "a long name larger than the limit",
    Buffer.concat([patched(patched(plain, 156, "L"), 124, "77777777777"), tarEnd]),
  ],
  [
    "a pax record without length",
    Buffer.concat([
      patched(patched(plain, 156, "x"), 124, "00000000010"),
      Buffer.alloc(512, "path=abc"),
      plain,
      tarEnd,
    ]),
  ],
  [
    "a pax record longer than the header",
    Buffer.concat([
      patched(patched(plain, 156, "x"), 124, "00000000012"),
      Buffer.alloc(512, "99 path=a\n"),
      plain,
      tarEnd,
    ]),
  ],
  [
    "a pax header with nothing to describe",
    Buffer.concat([formatTarHeader(tarEntry({ path: "ü" })).subarray(0, 1024), tarEnd]),
  ],
  [
    "a sparse map beyond the file",
    Buffer.concat([patched(patched(plain, 156, "S"), 386, `${"0".repeat(11)}\0${"7".repeat(11)}\0`), tarEnd]),
  ],
];

/** A file whose pax records say how long it is with its holes. */
function sparseFile(realSize: string, map: string): Buffer {
  const records = formatPax([
    { key: "GNU.sparse.realsize", value: Buffer.from(realSize) },
    { key: "GNU.sparse.map", value: Buffer.from(map) },
  ]);
  const size = records.length.toString(8).padStart(11, "0");
  return Buffer.concat([
    patched(patched(plain, 156, "x"), 124, size),
    Buffer.concat([records], 512),
    plain,
    tarEnd,
  ]);
}

test("lengths of sparse files up to what a number holds are read as they are, longer ones refused", () => {
  const sizes: number[] = [];
  const sink = { onEntry: ({ sizeBytes }: TarEntry) => sizes.push(sizeBytes), onData() {}, onEntryEnd() {} };
  new TarReader(sink).write(sparseFile(String(Number.MAX_SAFE_INTEGER), ""));
  assert.deepEqual(sizes, [Number.MAX_SAFE_INTEGER]);
  for (const [size, map] of [
    [String(2n ** 53n), ""],
    [String(2n ** 63n), ""],
    ["-1", ""],
    ["100", `${2n ** 53n},0`],
    ["100", `${2n ** 53n - 1n},${2n ** 53n - 1n}`],
    ["100", "-1,1"],
    ["100", "0"],
  ] as const)
    assert.throws(() => readTar(sparseFile(size, map)), isInvalid, `${size} ${map}`);
});

for (const [what, bytes] of malformed)
  test(`refused: ${what}`, () => assert.throws(() => readTar(bytes), isInvalid));

test("an archive may stop between entries, and nothing after its end counts", () => {
  assert.deepEqual(readTar(Buffer.alloc(0)), []);
  assert.equal(readTar(plain).length, 1);
  assert.equal(readTar(Buffer.concat([plain, tarEnd, Buffer.from("rubbish")])).length, 1);
});

test("names keep bytes that are no UTF-8", () => {
  for (const hex of ["61", "c3bc", "ff", "61ff62", "c3", "e38182ff", "efbfbd", "f09f9880", "eda080"]) {
    const bytes = Buffer.from(hex, "hex");
    assert.equal(encodeName(decodeName(bytes)).toString("hex"), hex);
  }
  assert.equal(decodeName(Buffer.from("grün")), "grün");
});
