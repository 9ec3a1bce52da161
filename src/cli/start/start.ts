// The beginning of every command: loads the chunks of the bundle, from a pack of compiled code where there is one.
// Node's own loader takes 0.4 ms for each of the 40 chunks of a command, and V8 as long again to compile them.
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { Script } from "node:vm";
import { join } from "./join.ts";
import { openPack, type PackedChunk, wrapChunk, writePack } from "./pack.ts";

declare const LIGHTER_CHUNKS: string;

/** What Node gives a CommonJS module: exports, require, module, file name, folder. */
type Scope = readonly [object, (name: string) => unknown, { readonly exports: object }, string, string];

interface Loaded {
  readonly module: { exports: object };
  readonly filename: string;
  readonly script: Script;
  readonly text: string;
  /** Whether its code came from the pack. */
  readonly isPacked: boolean;
}

const folder = join(__dirname, LIGHTER_CHUNKS);
const packPath = join(folder, `${process.version}-${process.arch}.pack`);
const pack = openPack(packPath);
const loaded = new Map<string, Loaded>();
// Each chunk names the ones it needs, and Node looks a name up anew each time.
const builtins = new Map<string, unknown>([["node:path", { ...posix, join }]]);
const lessons = pack?.lessons ?? [];

// The pack has only functions that ran: all of them would take a command 8 ms to read, most of it for what it never calls.
// What is missing V8 compiles from the text, which takes ten times as long. Each kind of command gives a lesson once; and
// because one kind may go several ways, one command in 32 gives one as well, for a while.
const mostLessons = 100;
const oneOf = 32;
// V8 has thrown away by then what it has not used for a while.
const longCommandSeconds = 10;

function load(name: string): unknown {
  // Chunks name one another "./chunk-HASH.js"; all else is Node's or a package.
  if (!name.startsWith("./")) return loadForeign(name);
  const known = loaded.get(name.slice(2));
  if (known !== undefined) return known.module.exports;
  const chunk = compile(name.slice(2));
  loaded.set(name.slice(2), chunk);
  const body: (...scope: Scope) => void = chunk.script.runInThisContext();
  body(chunk.module.exports, load, chunk.module, chunk.filename, folder);
  return chunk.module.exports;
}

function loadForeign(name: string): unknown {
  if (!name.startsWith("node:")) return require(name);
  const found: unknown = builtins.get(name) ?? process.getBuiltinModule(name);
  builtins.set(name, found);
  return found;
}

function compile(name: string): Loaded {
  const filename = join(folder, name);
  const packed = pack?.read(name);
  const text = packed?.text ?? wrapChunk(readFileSync(filename, "latin1"));
  const script = new Script(text, { filename, ...(packed !== undefined && { cachedData: packed.code }) });
  const isPacked = packed !== undefined && script.cachedDataRejected === false;
  return { module: { exports: {} }, filename, script, text, isPacked };
}

/** After the command: nobody waits for it often. */
function learn(status: number): void {
  // Flags of V8 that someone set for once are no reason.
  if (!isLesson(status) || process.execArgv.length > 0 || process.env["NODE_OPTIONS"]) return;
  try {
    writePack(packPath, () => ({ lessons: [...lessons, kindOfCommand()], chunks: gather() }));
  } catch {
    // Installed where this user may not write: commands start slower, as without a pack.
  }
}

/** One that failed teaches little of those that do not. */
function isLesson(status: number): boolean {
  const isNew = [...loaded.values()].some(({ isPacked }) => !isPacked);
  const isOther = status === 0 && (process.pid % oneOf === 0 || !lessons.includes(kindOfCommand()));
  return (isNew || (isOther && lessons.length < mostLessons)) && process.uptime() < longCommandSeconds;
}

/** Its name and flags; never a value, which may be a secret: `--name -d run`. */
function kindOfCommand(): string {
  const words = process.argv.slice(2);
  const flags = words.flatMap((word) => /^(?:--[a-z][a-z-]*|-[a-zA-Z])/.exec(word)?.[0] ?? []);
  const name = words.map((word) => /^[a-z]+$/.exec(word)?.[0]).find((word) => word !== undefined);
  return [...new Set(flags), name].sort().join(" ");
}

/** What is in the pack already stays, and every chunk of this command has its functions and those from before. */
function gather(): ReadonlyMap<string, PackedChunk> {
  const chunks = new Map<string, PackedChunk>();
  for (const name of pack?.names ?? []) {
    const packed = loaded.has(name) ? undefined : pack?.read(name);
    if (packed !== undefined) chunks.set(name, packed);
  }
  for (const [name, { script, text }] of loaded) chunks.set(name, { text, code: script.createCachedData() });
  return chunks;
}

process.on("exit", learn);
load("./main.js");
