import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";

/** A chunk with the code that one version of V8 compiled from it. */
export interface PackedChunk {
  readonly text: string;
  readonly code: Buffer;
}

/** The chunks that the commands on this machine load, of one build, in one file. */
export interface Pack {
  /** The commands that have added to the codes what they ran. */
  readonly lessons: readonly string[];
  readonly names: readonly string[];
  read(name: string): PackedChunk | undefined;
}

/** Where a chunk lies in the texts, and its code in the codes. */
type Place = readonly [text: number, textLength: number, code: number, codeLength: number];

interface Index {
  readonly lessons: readonly string[];
  readonly places: Readonly<Record<string, Place>>;
}

// The file begins with three lengths in so many digits each: of the file, the index and the texts. The two follow, then the
// codes. V8 takes code as it is, so a pack counts only when it is whole: it was synced before it got its name.
const digits = 10;
const preamble = 3 * digits;

/** @returns undefined when there is none that can be read */
export function openPack(path: string): Pack | undefined {
  try {
    const fd = openSync(path, "r");
    const lengths = readAt(fd, 0, preamble).toString("latin1");
    const lengthAt = (place: number): number => Number(lengths.slice(place * digits, (place + 1) * digits));
    const [indexLength, textsLength] = [lengthAt(1), lengthAt(2)];
    if (lengthAt(0) !== fstatSync(fd).size) return undefined;
    const head = readAt(fd, preamble, indexLength + textsLength);
    const { lessons, places }: Index = JSON.parse(head.toString("latin1", 0, indexLength));
    // One string, of which each chunk's text is a slice: many small ones would bring on a garbage collection.
    const texts = head.toString("latin1", indexLength);
    const codes = preamble + indexLength + textsLength;
    return { lessons, names: Object.keys(places), read: (name) => readChunk(places[name]) };

    function readChunk(place: Place | undefined): PackedChunk | undefined {
      if (place === undefined) return undefined;
      const [text, textLength, code, codeLength] = place;
      return { text: texts.slice(text, text + textLength), code: readAt(fd, codes + code, codeLength) };
    }
  } catch {
    return undefined;
  }
}

function readAt(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  readSync(fd, bytes, 0, length, offset);
  return bytes;
}

/** A chunk as a function of what Node gives a CommonJS module. Its lines keep their numbers. */
export function wrapChunk(text: string): string {
  return `(function(exports,require,module,__filename,__dirname){${text}\n})`;
}

/** What a pack is made of. */
export interface PackContents {
  readonly lessons: readonly string[];
  readonly chunks: ReadonlyMap<string, PackedChunk>;
}

/** Puts a pack in its place in one step. */
export function writePack(path: string, contents: () => PackContents): void {
  const half = `${path}.${process.pid}`;
  const fd = openSync(half, "w", 0o644); // first: where this is not allowed no code is gathered in vain
  try {
    for (const part of packParts(contents())) writeSync(fd, part);
    fsyncSync(fd);
    renameSync(half, path);
  } catch (error) {
    rmSync(half, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

function packParts({ lessons, chunks }: PackContents): readonly Buffer[] {
  const places: Record<string, Place> = {};
  const codes: Buffer[] = [];
  let texts = "";
  let codesLength = 0;
  for (const [name, { text, code }] of chunks) {
    places[name] = [texts.length, text.length, codesLength, code.length];
    texts += text;
    codes.push(code);
    codesLength += code.length;
  }
  const head = Buffer.from(JSON.stringify({ lessons, places } satisfies Index), "latin1");
  const size = preamble + head.length + texts.length + codesLength;
  const lengths = [size, head.length, texts.length].map((length) => String(length).padStart(digits));
  return [Buffer.from(lengths.join(""), "latin1"), head, Buffer.from(texts, "latin1"), ...codes];
}
