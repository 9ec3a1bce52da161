import type { Readable } from "node:stream";
import { errorMessage, LighterError, systemErrorCode } from "#base";

/** The world around a command, so that tests can stand in for it. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  now(): number;
}

/** A place to write to. */
export interface Output {
  readonly isTerminal: boolean;
  /** Size of the terminal in character cells; 80 by 24 where there is none. */
  readonly columns: number;
  readonly rows: number;
  /** Resolves when more may be written. */
  write(data: string | Uint8Array): void | Promise<void>;
}

/** The process's own streams. */
export function processIo(): Io {
  return {
    get stdin() {
      return process.stdin;
    },
    stdout: processOutput(1, () => process.stdout),
    stderr: processOutput(2, () => process.stderr),
    env: process.env,
    now: Date.now,
  };
}

// Opening process.stdout loads Node's sockets, which takes longer than all of `lighter version`: short texts go to the
// descriptor at once, and the stream is opened when the reader is slow or the terminal is asked for its size.
function processOutput(fd: number, openStream: () => NodeJS.WriteStream): Output {
  let opened: NodeJS.WriteStream | undefined;
  const stream = () => {
    opened ??= openStream().on("error", (error) => failedOutput(fd, error));
    return opened;
  };
  return {
    get isTerminal() {
      return isTerminal(fd);
    },
    get columns() {
      return stream().columns || 80;
    },
    get rows() {
      return stream().rows || 24;
    },
    write(data) {
      const rest = opened === undefined ? writeNow(fd, data) : data;
      if (rest === undefined || stream().write(rest)) return;
      return new Promise((resolve) => stream().once("drain", resolve));
    },
  };
}

/** What is no character device is none; node:tty, which says it of the rest, takes 3 ms to load. */
function isTerminal(fd: number): boolean {
  try {
    if (!process.getBuiltinModule("node:fs").fstatSync(fd).isCharacterDevice()) return false;
  } catch {
    return false; // closed
  }
  return process.getBuiltinModule("node:tty").isatty(fd);
}

/** Writes what the descriptor takes; returns what is left when it is not ready for more. */
function writeNow(fd: number, data: string | Uint8Array): Uint8Array | undefined {
  const { writeSync } = process.getBuiltinModule("node:fs");
  let rest = typeof data === "string" ? Buffer.from(data) : data;
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
  } catch (error) {
    if (systemErrorCode(error) === "EAGAIN") return rest;
    failedOutput(fd, error);
  }
  return undefined;
}

/** `lighter images | head -1`: the reader has seen enough. */
function failedOutput(fd: number, error: unknown): never {
  if (systemErrorCode(error) === "EPIPE") process.exit(0);
  throw new LighterError(
    "OUTPUT_UNWRITABLE",
    `cannot write to standard ${fd === 1 ? "output" : "error"}: ${errorMessage(error)}`,
    { cause: error },
  );
}
