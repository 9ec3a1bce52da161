// The beginning of every command: loads the chunks of the bundle, from a pack of compiled code where there is one.
// Node's own loader takes 0.4 ms for each of the 40 chunks of a command, and V8 as long again to compile them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { openPack, type PackedChunk, wrapChunk, writePack } from "./pack.ts";

declare const LIGHTER_CHUNKS: string;

/** What Node gives a CommonJS module: exports, require, module, file name, folder. */
type Scope = readonly [object, (name: string) => unknown, { readonly exports: object }, string, string];

interface Loaded extends Pick<PackedChunk, "text" | "lessons"> {
  readonly module: { exports: object };
  readonly script: Script;
}

const folder = join(__dirname, LIGHTER_CHUNKS);
const packPath = join(folder, `${process.version}-${process.arch}.pack`);
const pack = openPack(packPath);
const loaded = new Map<string, Loaded>();

// The pack has only functions that ran: all of them would take a command 8 ms to read, most of it for what it never calls.
// What is missing V8 compiles from the text. The first commands that load a chunk teach it, and later ones, which may go
// other ways, now and then.
const firstLessons = 3;
const mostLessons = 100;
const oneOf = 32;
// V8 has thrown away by then what it has not used for a while.
const longCommandSeconds = 10;

function load(name: string): unknown {
  // Chunks name one another "./chunk-HASH.js"; all else is Node's or a package.
  if (!name.startsWith("./")) return require(name);
  const known = loaded.get(name.slice(2));
  if (known !== undefined) return known.module.exports;
  const chunk = compile(name.slice(2));
  loaded.set(name.slice(2), chunk);
  const body: (...scope: Scope) => void = chunk.script.runInThisContext();
  body(chunk.module.exports, load, chunk.module, join(folder, name), folder);
  return chunk.module.exports;
}

function compile(name: string): Loaded {
  const filename = join(folder, name);
  const packed = pack?.read(name);
  const text = packed?.text ?? wrapChunk(readFileSync(filename, "latin1"));
  const script = new Script(text, { filename, ...(packed !== undefined && { cachedData: packed.code }) });
  const isTaken = packed !== undefined && script.cachedDataRejected === false;
  return { module: { exports: {} }, script, text, lessons: isTaken ? packed.lessons : 0 };
}

/** After the command: nobody waits for it often. */
function learn(): void {
  // Flags of V8 that someone set for once are no reason.
  if (!isTeaching() || process.execArgv.length > 0 || process.env["NODE_OPTIONS"]) return;
  try {
    writePack(packPath, gather);
  } catch {
    // Installed where this user may not write: commands start slower, as without a pack.
  }
}

function isTeaching(): boolean {
  const lessons = [...loaded.values()].map((chunk) => chunk.lessons);
  const isNew = Math.min(...lessons) < firstLessons;
  const isDue = process.pid % oneOf === 0 && Math.max(...lessons) < mostLessons;
  return (isNew || isDue) && process.uptime() < longCommandSeconds;
}

/** What is in the pack already stays, and every chunk of this command has its functions and those from before. */
function gather(): ReadonlyMap<string, PackedChunk> {
  const chunks = new Map<string, PackedChunk>();
  for (const name of pack?.names ?? []) {
    const packed = loaded.has(name) ? undefined : pack?.read(name);
    if (packed !== undefined) chunks.set(name, packed);
  }
  for (const [name, { script, text, lessons }] of loaded)
    chunks.set(name, { text, code: script.createCachedData(), lessons: lessons + 1 });
  return chunks;
}

process.on("exit", learn);
load("./main.js");
