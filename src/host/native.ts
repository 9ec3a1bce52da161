import { createRequire } from "node:module";
import { join } from "node:path";
import { LighterError } from "#base";
import { findOwnFile } from "./own-file.ts";

/** What a C function takes: numbers, strings, memory, or nothing for a null pointer. */
export type NativeValue = number | bigint | string | Uint8Array | null;

/** A C function. `async` runs it on a thread of libuv's pool. */
export interface NativeFunction<Result = number> {
  (...values: readonly NativeValue[]): Result;
  async(...values: readonly (NativeValue | ((error: Error | null, result: Result) => void))[]): void;
}

/** A loaded shared library. */
export interface NativeLibrary {
  /** Declares a function by its C prototype (`int flock(int fd, int operation)`). */
  func<Result = number>(prototype: string): NativeFunction<Result>;
}

/** The foreign function interface, as far as the room uses koffi. */
export interface Native {
  /** Opens a shared library; null is the C library of this process. */
  load(path: string | null): NativeLibrary;
  errno(): number;
  /** Address of the memory behind a buffer; valid while the buffer is referenced. */
  address(memory: Uint8Array): bigint;
}

/**
 * Loads koffi. Its prebuilt binary is looked for where Node would look and opened directly, because Node's resolution
 * and the package's own loader, which reads ELF headers in JavaScript, take longer than the rest of a command's start
 * (1.2 ms against 7). Anything unexpected falls back to that loader.
 * @throws KERNEL_UNSUPPORTED when this platform has no prebuilt koffi
 */
export function loadNative(): Native {
  loaded ??= openPrebuilt() ?? openPackage(createRequire(import.meta.url));
  return loaded;
}

let loaded: Native | undefined;

function openPrebuilt(): Native | undefined {
  const { arch } = process;
  const place = join("node_modules", "@koromix", `koffi-linux-${arch}`, `linux_${arch}`, "koffi.node");
  const path = findOwnFile(place);
  if (path === undefined) return undefined;
  const binary = { exports: {} };
  try {
    process.dlopen(binary, path);
  } catch {
    return undefined; // built for another C library: the package's loader knows which
  }
  return isNative(binary.exports) ? binary.exports : undefined;
}

function openPackage(require: NodeJS.Require): Native {
  try {
    const found: unknown = require("koffi");
    if (isNative(found)) return found;
  } catch (cause) {
    throw unusable(cause);
  }
  throw unusable(undefined);
}

function unusable(cause: unknown): LighterError {
  return new LighterError(
    "KERNEL_UNSUPPORTED",
    `cannot load "koffi": it has no binary for linux ${process.arch}; run "npm ci" on this machine`,
    { cause },
  );
}

function isNative(value: unknown): value is Native {
  return (
    typeof value === "object" && value !== null && "load" in value && "errno" in value && "address" in value
  );
}
