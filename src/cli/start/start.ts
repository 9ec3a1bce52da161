// The beginning of every command: loads the chunks of the bundle, from a pack of compiled code where there is one.
// Node's own loader takes 0.4 ms for each of the 40 chunks of a command, and V8 as long again to compile them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { makePack, openPack, wrapChunk } from "./pack.ts";

declare const LIGHTER_CHUNKS: string;

/** What Node gives a CommonJS module: exports, require, module, file name, folder. */
type Scope = readonly [object, (name: string) => unknown, { readonly exports: object }, string, string];

const folder = join(__dirname, LIGHTER_CHUNKS);
const packPath = join(folder, `${process.version}-${process.arch}.pack`);
const pack = openPack(packPath);
const loaded = new Map<string, { exports: object }>();
let isStale = pack === undefined;

function load(name: string): unknown {
  // Chunks name one another "./chunk-HASH.js"; all else is Node's or a package.
  if (!name.startsWith("./")) return require(name);
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const path = join(folder, name);
  const body: (...scope: Scope) => void = compile(name.slice(2), path).runInThisContext();
  body(module.exports, load, module, path, folder);
  return module.exports;
}

function compile(name: string, filename: string): Script {
  const packed = pack?.read(name);
  if (packed === undefined) return new Script(wrapChunk(readFileSync(filename, "latin1")), { filename });
  const script = new Script(packed.text, { filename, cachedData: packed.code });
  if (script.cachedDataRejected) isStale = true;
  return script;
}

/** After the command: nobody waits for it twice. Flags of V8 that someone set for once are no reason. */
function renewPack(): void {
  if (!isStale || process.execArgv.length > 0 || process.env["NODE_OPTIONS"]) return;
  try {
    makePack(packPath, folder);
  } catch {
    // Installed where this user may not write: commands start slower, as without a pack.
  }
}

process.on("exit", renewPack);
load("./main.js");
