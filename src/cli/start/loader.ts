import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Script } from "node:vm";
import { type PackedChunk, wrapChunk } from "./pack.ts";

/** What Node gives a CommonJS module: exports, require, module, file name, folder. */
type Scope = readonly [object, Load, { readonly exports: object }, string, string];

/** Gives what a chunk ("./NAME.js"), a module of Node or a package exports. */
export type Load = (name: string) => unknown;

/** A chunk that was compiled. */
export interface Compiled {
  readonly script: Script;
  readonly text: string;
  /** Whether its code came from the pack. */
  readonly isPacked: boolean;
}

/** Where chunks come from, and who hears of them. */
export interface ChunkSource {
  readonly folder: string;
  /** A chunk's text and code from the pack. */
  find(name: string): PackedChunk | undefined;
  /** For all that is not a chunk. */
  readonly require: Load;
  onCompiled?(name: string, compiled: Compiled): void;
}

/** Loads each chunk once. */
export function createLoader({ folder, find, require, onCompiled }: ChunkSource): Load {
  const modules = new Map<string, { exports: object }>();
  return load;

  function load(name: string): unknown {
    // Chunks name one another "./chunk-HASH.js"; all else is Node's or a package.
    if (!name.startsWith("./")) return require(name);
    const file = name.slice(2);
    const known = modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    const body = compile(file);
    modules.set(file, module);
    body(module.exports, load, module, join(folder, file), folder);
    return module.exports;
  }

  function compile(file: string): (...scope: Scope) => void {
    const filename = join(folder, file);
    const packed = find(file);
    const text = packed?.text ?? wrapChunk(readFileSync(filename, "latin1"));
    const { Script } = process.getBuiltinModule("node:vm");
    const script = new Script(text, { filename, ...(packed !== undefined && { cachedData: packed.code }) });
    const isPacked = packed !== undefined && script.cachedDataRejected === false;
    onCompiled?.(file, { script, text, isPacked });
    return script.runInThisContext();
  }
}
