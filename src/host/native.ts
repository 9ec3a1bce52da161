import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { LighterError } from "#base";

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
 * Loads koffi. Its prebuilt binary is opened directly, because the package's own loader reads ELF headers in
 * JavaScript first (1 ms against 6); anything unexpected falls back to that loader.
 * @throws KERNEL_UNSUPPORTED when this platform has no prebuilt koffi
 */
export function loadNative(): Native {
  const require = createRequire(import.meta.url);
  return openPrebuilt(require) ?? openPackage(require);
}

function openPrebuilt(require: NodeJS.Require): Native | undefined {
  const binary = { exports: {} };
  try {
    const folder = dirname(require.resolve(`@koromix/koffi-linux-${process.arch}`));
    process.dlopen(binary, join(folder, `linux_${process.arch}`, "koffi.node"));
  } catch {
    return undefined;
  }
  return isNative(binary.exports) ? binary.exports : undefined;
}

function openPackage(require: NodeJS.Require): Native {
  try {
    const loaded: unknown = require("koffi");
    if (isNative(loaded)) return loaded;
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
