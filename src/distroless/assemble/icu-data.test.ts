import assert from "node:assert/strict";
import { test } from "node:test";
import { filterIcuIndex, findIcuArchive, formatIcuArchive, readIcuArchive } from "./icu-data.ts";

/** The header of an archive, 32 bytes of it as ICU writes them, and padding. */
function headerOf(format: string): Buffer {
  const header = Buffer.alloc(48);
  header.writeUInt16LE(header.length, 0);
  header.writeUInt16LE(0x27da, 2);
  header.writeUInt16LE(20, 4);
  header.write(format, 12, "latin1");
  return header;
}

const items = ["coll/de.res", "de.res", "root.res"].map((name, index) => ({
  name: `icudt76l/${name}`,
  bytes: Buffer.alloc(16 * (index + 1), index + 1),
}));

test("an archive is found in a library, read, and written with fewer items", () => {
  const archive = formatIcuArchive({ header: headerOf("CmnD"), items });
  const before = Buffer.from("CmnD in the text of a program");
  const library = Buffer.concat([before, archive]);
  const at = findIcuArchive(library);
  assert.equal(at, before.length);
  const read = readIcuArchive(library.subarray(at));
  assert.deepEqual(read.items, items);
  const fewer = formatIcuArchive({
    ...read,
    items: read.items.filter(({ name }) => name !== "icudt76l/de.res"),
  });
  assert.deepEqual(readIcuArchive(fewer).items, [items[0], items[2]]);
  assert.equal(findIcuArchive(Buffer.from("CmnD, and nothing in front of it")), undefined);
});

test("an archive that leads out of its end is refused", () => {
  const archive = formatIcuArchive({ header: headerOf("CmnD"), items });
  for (let at = 48; at < 48 + 28; at += 1) {
    const damaged = Buffer.from(archive);
    damaged[at] = 0xff;
    try {
      readIcuArchive(damaged);
    } catch (error) {
      assert.ok(error instanceof RangeError, String(error));
    }
  }
  assert.throws(() => readIcuArchive(archive.subarray(0, 60)), RangeError);
});

/** A bundle as genrb writes `res_index`: keys, a table of 16 bits with them, and the root that leads to it. */
function indexOf(locales: readonly string[]): Buffer {
  const places: number[] = [];
  let keys = "";
  const start = 8 * 4;
  for (const name of ["InstalledLocales", ...locales]) {
    places.push(start + keys.length);
    keys += `${name}\0`;
  }
  const keysEnd = Math.ceil((start + keys.length) / 4) * 4;
  const [title = 0, ...named] = places;
  const words = [0, named.length, ...named, ...named.map(() => 0)];
  const root = Math.ceil((keysEnd + words.length * 2) / 4) * 4;
  const body = Buffer.alloc(root + 8);
  body.writeUInt32LE((2 << 28) | (root / 4), 0);
  body.writeUInt32LE(7, 4);
  body.writeUInt32LE(keysEnd / 4, 8);
  body.write(keys, start, "latin1");
  for (const [index, word] of words.entries()) body.writeUInt16LE(word, keysEnd + index * 2);
  body.writeUInt16LE(1, root);
  body.writeUInt16LE(title, root + 2);
  body.writeUInt32LE(((5 << 28) | 1) >>> 0, root + 4);
  return Buffer.concat([headerOf("ResB"), body]);
}

test("a list of locales keeps those that are kept, in their order", () => {
  const whole = indexOf(["af", "de", "de_AT", "xh"]);
  const cut = filterIcuIndex(whole, (locale) => locale.startsWith("de"));
  assert.equal(cut.length, whole.length);
  const body = cut.subarray(48);
  const at = body.readUInt32LE(8) * 4 + 2;
  const count = body.readUInt16LE(at);
  const keys = Array.from({ length: count }, (_, index) => {
    const key = body.readUInt16LE(at + 2 + index * 2);
    return body.toString("latin1", key, body.indexOf(0, key));
  });
  assert.deepEqual(keys, ["de", "de_AT"]);
  assert.throws(
    () => filterIcuIndex(Buffer.concat([headerOf("ResB"), Buffer.alloc(8)]), () => true),
    RangeError,
  );
});
