import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";

/** The chunks of one build in one file, each with the code that one version of V8 compiled from it. */
export interface Pack {
  read(name: string): { readonly text: string; readonly code: Buffer } | undefined;
}

/** Where a chunk lies in the texts, and its code in the codes. */
type Place = readonly [text: number, textLength: number, code: number, codeLength: number];

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
    const index: Readonly<Record<string, Place>> = JSON.parse(head.toString("latin1", 0, indexLength));
    // One string, of which each chunk's text is a slice: Node keeps a string of a megabyte outside V8's heap, where it
    // would bring on a garbage collection.
    const texts = head.toString("latin1", indexLength);
    const codes = preamble + indexLength + textsLength;
    return { read: (name) => readChunk(index[name]) };

    function readChunk(place: Place | undefined): ReturnType<Pack["read"]> {
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

/** Compiles every chunk of a folder with all its functions, and puts the pack in its place in one step. */
export function makePack(path: string, chunkFolder: string): void {
  const half = `${path}.${process.pid}`;
  const fd = openSync(half, "w", 0o644); // first: where this is not allowed nothing is compiled in vain
  try {
    for (const part of packParts(chunkFolder)) writeSync(fd, part);
    fsyncSync(fd);
    renameSync(half, path);
  } catch (error) {
    rmSync(half, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

function packParts(chunkFolder: string): readonly Buffer[] {
  const index: Record<string, Place> = {};
  const codes: Buffer[] = [];
  let texts = "";
  let codesLength = 0;
  for (const name of readdirSync(chunkFolder).filter((file) => file.endsWith(".js"))) {
    const path = join(chunkFolder, name);
    const text = wrapChunk(readFileSync(path, "latin1"));
    const code = compileWhole(text, path);
    index[name] = [texts.length, text.length, codesLength, code.length];
    texts += text;
    codes.push(code);
    codesLength += code.length;
  }
  const head = JSON.stringify(index);
  const size = preamble + head.length + texts.length + codesLength;
  const lengths = [size, head.length, texts.length].map((length) => String(length).padStart(digits));
  return [Buffer.from([...lengths, head, texts].join(""), "latin1"), ...codes];
}

/** With the functions in it, which V8 otherwise compiles when they are called: that would be at every start. */
function compileWhole(text: string, filename: string): Buffer {
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  let script: Script;
  setFlagsFromString("--no-lazy");
  try {
    script = new Script(text, { filename });
  } finally {
    // Before the code is taken out: a V8 with other flags would refuse it.
    setFlagsFromString("--lazy");
  }
  return script.createCachedData();
}
