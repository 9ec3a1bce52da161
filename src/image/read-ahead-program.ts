import type * as nodeFs from "node:fs";
import type * as nodeThreads from "node:worker_threads";

/** Headers of a layer in their order and, behind each, the file whose bytes follow it. */
export interface ReadBatch {
  readonly headers: Uint8Array;
  /** {@link rowLength} numbers a header: its length, the length of the file (0: none follows), ctime in milliseconds or NaN. */
  readonly rows: Float64Array;
  /** Of the files, in order. */
  readonly paths: readonly (string | Uint8Array)[];
  readonly isLast: boolean;
}

export const rowLength = 3;

/** What the thread says besides bytes. */
export type ReadNews =
  | { readonly kind: "changed"; readonly path: string }
  | { readonly kind: "shortened"; readonly path: string }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** Places in the control words; the lengths of the slots stand behind them. `news` goes up whenever the thread did something. */
export const readWords = { sent: 0, filled: 1, taken: 2, done: 3, news: 4, lengths: 5 } as const;

/** What both sides look at. */
export interface ReadShared {
  readonly data: Uint8Array;
  readonly control: Int32Array;
  readonly words: { readonly [Name in keyof typeof readWords]: number };
  readonly rowLength: number;
  readonly slotBytes: number;
  readonly slotCount: number;
  readonly port: nodeThreads.MessagePort;
}

/** Fills slot after slot with headers and files. Runs in the thread: must not refer to anything outside its parameters. */
export function readAhead(threads: typeof nodeThreads, fs: typeof nodeFs): void {
  const shared: ReadShared = threads.workerData;
  const { data, control, words, slotBytes, slotCount, port } = shared;
  const { O_RDONLY, O_NOFOLLOW } = fs.constants;
  const blockBytes = 512;
  let filled = 0;
  let slot = data.subarray(0, slotBytes);
  let used = 0;

  for (let isLast = false; !isLast; ) {
    const batch = nextBatch();
    try {
      fillFrom(batch);
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      return fail({ kind: "failed", code, message });
    }
    isLast = batch.isLast;
    if (isLast && used > 0) publish();
    Atomics.add(control, words.done, 1);
    tell();
  }

  function nextBatch(): ReadBatch {
    for (;;) {
      const sent = Atomics.load(control, words.sent);
      const received = threads.receiveMessageOnPort(port);
      if (received !== undefined) return received.message as ReadBatch;
      Atomics.wait(control, words.sent, sent);
    }
  }

  function fillFrom({ headers, rows, paths }: ReadBatch): void {
    let headerAt = 0;
    let file = 0;
    for (let row = 0; row < rows.length; row += shared.rowLength) {
      const [headerBytes = 0, sizeBytes = 0, ctimeMs = 0] = rows.subarray(row, row + shared.rowLength);
      put(headers.subarray(headerAt, headerAt + headerBytes));
      headerAt += headerBytes;
      if (sizeBytes === 0) continue;
      putFile(paths[file] ?? "", sizeBytes, ctimeMs);
      putZeros((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
      file += 1;
    }
  }

  function putFile(path: string | Uint8Array, sizeBytes: number, ctimeMs: number): void {
    const name = typeof path === "string" ? path : Buffer.from(path);
    const fd = fs.openSync(name, O_RDONLY | O_NOFOLLOW);
    try {
      for (let left = sizeBytes; left > 0; ) {
        if (used === slotBytes) publish();
        const length = fs.readSync(fd, slot, used, Math.min(left, slotBytes - used), null);
        used += length;
        left -= length;
        if (length > 0) continue;
        // The header has promised more; of a file that may change, that is told below.
        if (Number.isNaN(ctimeMs))
          port.postMessage({ kind: "shortened", path: String(name) } satisfies ReadNews);
        putZeros(left);
        left = 0;
      }
      if (!Number.isNaN(ctimeMs) && fs.fstatSync(fd).ctimeMs !== ctimeMs)
        port.postMessage({ kind: "changed", path: String(name) } satisfies ReadNews);
    } finally {
      fs.closeSync(fd);
    }
  }

  function put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (used === slotBytes) publish();
      const length = Math.min(bytes.length - at, slotBytes - used);
      slot.set(bytes.subarray(at, at + length), used);
      used += length;
      at += length;
    }
  }

  function putZeros(count: number): void {
    for (let left = count; left > 0; ) {
      if (used === slotBytes) publish();
      const length = Math.min(left, slotBytes - used);
      slot.fill(0, used, used + length);
      used += length;
      left -= length;
    }
  }

  /** Hands the slot over, and waits for the next to be free. */
  function publish(): void {
    control[words.lengths + (filled % slotCount)] = used;
    filled += 1;
    Atomics.store(control, words.filled, filled);
    tell();
    for (;;) {
      const taken = Atomics.load(control, words.taken);
      if (filled - taken < slotCount) break;
      Atomics.wait(control, words.taken, taken);
    }
    const start = (filled % slotCount) * slotBytes;
    slot = data.subarray(start, start + slotBytes);
    used = 0;
  }

  function fail(news: ReadNews): void {
    port.postMessage(news);
    tell();
  }

  function tell(): void {
    Atomics.add(control, words.news, 1);
    Atomics.notify(control, words.news);
  }
}
