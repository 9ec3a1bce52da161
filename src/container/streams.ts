import type { Readable } from "node:stream";
import { DetachKeys } from "./detach-keys.ts";
import type { MonitorSession, OnOutput } from "./monitor/session.ts";
import { type OutputWatch, watchOwn, writeOwn } from "./own-streams.ts";
import type { StreamOptions } from "./run-request.ts";

/** Thrown away output, callbacks, or this process's own streams. */
export function outputTo(stdio: StreamOptions["stdio"]): OnOutput {
  if (stdio === "none") return () => {};
  if (stdio !== undefined && stdio !== "inherit")
    return (stream, chunk) => (stream === "stdout" ? stdio.onStdout(chunk) : stdio.onStderr(chunk));
  return writeOwn;
}

/** Watches where {@link outputTo} writes; callbacks tell of their failures themselves. */
export function watchOutput(stdio: StreamOptions["stdio"]): OutputWatch {
  if (stdio === undefined || stdio === "inherit") return watchOwn();
  return { failed: new Promise<never>(() => {}), [Symbol.dispose]() {} };
}

/** The size of this process's terminal; undefined when its output is none. */
export function terminalSize(): { readonly rows: number; readonly columns: number } | undefined {
  const { isTTY, rows, columns } = process.stdout;
  return isTTY ? { rows, columns } : undefined;
}

/** What feeding a program ends with. */
export interface Feeding extends Disposable {
  /** Resolves when the user typed the keys that leave. */
  readonly detached: Promise<void>;
}

/**
 * Sends this process's input to the container; on a terminal every key, its size, and each change of it.
 * Disposing puts the terminal back and lets go of the input.
 */
export function feed(
  session: MonitorSession,
  options: { readonly tty: boolean; readonly detachKeys?: string },
): Feeding {
  const input: Readable & { isTTY?: boolean; setRawMode?: (on: boolean) => void } = process.stdin;
  const isRaw = options.tty && input.isTTY === true;
  if (isRaw) input.setRawMode?.(true);
  const keys = options.tty ? new DetachKeys(options.detachKeys) : undefined;
  let leave = (): void => {};
  const detached = new Promise<void>((resolve) => (leave = resolve));
  const onData = (chunk: Buffer): void => {
    const { text, isComplete } = keys?.read(chunk) ?? { text: chunk, isComplete: false };
    if (text.length > 0 && !session.input(text)) {
      input.pause();
      void session.flushed().then(() => input.resume());
    }
    if (isComplete) leave();
  };
  const onEnd = (): void => session.inputEnd();
  const onResize = (): void => {
    const size = terminalSize();
    if (size !== undefined) session.resize(size.rows, size.columns);
  };
  input.on("data", onData).once("end", onEnd);
  if (options.tty) process.stdout.on("resize", onResize);
  return {
    detached,
    [Symbol.dispose]() {
      input.off("data", onData).off("end", onEnd);
      process.stdout.off("resize", onResize);
      if (isRaw) input.setRawMode?.(false);
      input.pause();
      if ("unref" in input && typeof input.unref === "function") input.unref();
    },
  };
}
