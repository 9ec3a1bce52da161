/** A table or program of ICU's, by its name in the archive: `icudt76l/coll/de.res`. */
export interface IcuItem {
  readonly name: string;
  readonly bytes: Buffer;
}

/** ICU's archive of data. */
export interface IcuArchive {
  /** As it stands before the list of items. */
  readonly header: Buffer;
  readonly items: readonly IcuItem[];
}

const alignment = 16;

/** Where an archive begins in a library; undefined when there is none. @see https://unicode-org.github.io/icu/userguide/icu_data/ */
export function findIcuArchive(library: Buffer): number | undefined {
  // Size of the header, two magic bytes, and behind what describes the machine the name of the format.
  for (let at = library.indexOf("CmnD"); at >= 0; at = library.indexOf("CmnD", at + 1))
    if (at >= 12 && library.readUInt16LE(at - 10) === 0x27da) return at - 12;
  return undefined;
}

/** @throws RangeError for one that leads out of its own end */
export function readIcuArchive(bytes: Buffer): IcuArchive {
  const start = bytes.readUInt16LE(0);
  const list = bytes.subarray(start);
  const places = Array.from({ length: list.readUInt32LE(0) }, (_, index) => ({
    name: list.readUInt32LE(4 + index * 8),
    data: list.readUInt32LE(8 + index * 8),
  }));
  const items = places.map(({ name, data }, index) => {
    const end = places[index + 1]?.data ?? list.length;
    const nameEnd = list.indexOf(0, name);
    if (data > end || end > list.length || nameEnd < 0) throw new RangeError("ICU's list of items");
    return { name: list.toString("latin1", name, nameEnd), bytes: list.subarray(data, end) };
  });
  return { header: bytes.subarray(0, start), items };
}

/** The archive as bytes. Items are looked up by bisection: they keep their order. */
export function formatIcuArchive({ header, items }: IcuArchive): Buffer {
  const list = Buffer.alloc(4 + items.length * 8);
  list.writeUInt32LE(items.length, 0);
  const names = Buffer.from(items.map(({ name }) => `${name}\0`).join(""), "latin1");
  let nameAt = list.length;
  let dataAt = aligned(list.length + names.length);
  const parts = [header, list, names, Buffer.alloc(dataAt - list.length - names.length)];
  for (const [index, { name, bytes }] of items.entries()) {
    list.writeUInt32LE(nameAt, 4 + index * 8);
    list.writeUInt32LE(dataAt, 8 + index * 8);
    nameAt += name.length + 1;
    const padding = aligned(bytes.length) - bytes.length;
    parts.push(bytes, Buffer.alloc(padding));
    dataAt += bytes.length + padding;
  }
  return Buffer.concat(parts);
}

function aligned(size: number): number {
  return Math.ceil(size / alignment) * alignment;
}

const table = 2;
const table16 = 5;
const emptyTable = 0x20000000;

/**
 * The list of locales that a resource bundle `res_index` is, with only those that `isKept` says: ICU says of what stands in it
 * that it is there.
 * @throws RangeError for one of another form
 * @see https://github.com/unicode-org/icu/blob/main/icu4c/source/common/uresdata.h
 */
export function filterIcuIndex(item: Buffer, isKept: (locale: string) => boolean): Buffer {
  const filtered = Buffer.from(item);
  const body = filtered.subarray(filtered.readUInt16LE(0));
  const root = body.readUInt32LE(0);
  if (root >>> 28 !== table) throw new RangeError("ICU's list of locales");
  const keysEnd = body.readUInt32LE(8) * 4;
  const at = (root & 0xfffffff) * 4;
  const count = body.readUInt16LE(at);
  const values = Math.ceil((at + 2 + count * 2) / 4) * 4;
  for (let index = 0; index < count; index += 1) {
    const value = body.readUInt32LE(values + index * 4);
    if (value !== emptyTable && value >>> 28 === table16)
      filterTable(body, keysEnd + (value & 0xfffffff) * 2, isKept);
    else if (value >>> 28 === table && value !== emptyTable) throw new RangeError("ICU's list of locales");
  }
  return filtered;
}

/** A count, the places of as many keys, and as many values, 16 bits each; in place. */
function filterTable(body: Buffer, at: number, isKept: (locale: string) => boolean): void {
  const count = body.readUInt16LE(at);
  const entries = Array.from({ length: count }, (_, index) => ({
    key: body.readUInt16LE(at + 2 + index * 2),
    value: body.readUInt16LE(at + 2 + (count + index) * 2),
  })).filter(({ key }) => isKept(body.toString("latin1", key, body.indexOf(0, key))));
  const words = [entries.length, ...entries.map(({ key }) => key), ...entries.map(({ value }) => value)];
  for (const [index, word] of words.entries()) body.writeUInt16LE(word, at + index * 2);
}
