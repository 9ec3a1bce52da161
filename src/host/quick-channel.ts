import { closeSync } from "node:fs";
import type { Channel } from "./host.ts";
import type { Sys, SystemCall } from "./sys.ts";

const F = { SETFL: 4, SETOWN: 8, SETSIG: 10 } as const;
const O = { RDWR: 0o2, NONBLOCK: 0o4000, ASYNC: 0o20000 } as const;
// A process that has no handler for it ignores it.
const wakeSignal = "SIGURG";
const SIGURG = 23;
const EINTR = -4;
const EAGAIN = -11;
const chunkBytes = 64 << 10;
/** So many chunks at a time, and then whatever else waits for this thread. */
const mostChunks = 16;
/** A handler of a signal does not keep the process running, a timer does; and no lost signal is waited for forever. */
const patienceMs = 1000;

/** The calls that a channel is made of. */
export interface ChannelCalls {
  readonly read: SystemCall;
  readonly write: SystemCall;
  readonly control: SystemCall;
}

export function declareChannelCalls(sys: Sys): ChannelCalls {
  return {
    read: sys.declare("long read(int fd, void *memory, size_t size)"),
    write: sys.declare("long write(int fd, void *memory, size_t size)"),
    control: sys.declare("int fcntl(int fd, int command, int argument)"),
  };
}

const open = new Set<() => void>();

function wakeAll(): void {
  for (const wake of open) wake();
}

/**
 * A connected socket whose kernel tells of news by a signal (fcntl(2), O_ASYNC): Node's own sockets, with the streams that
 * they are made of, take 5 ms to load and to set up. For the main thread: others hear no signals.
 */
export function openQuickChannel(calls: ChannelCalls, fd: number): Channel {
  const reader = readerOf(calls, fd);
  const writer = writerOf(calls, fd);
  let isOpen = true;
  const wake = (): void => {
    writer.flush();
    reader.drain();
  };
  const waiting = setInterval(wake, patienceMs);
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    open.delete(wake);
    if (open.size === 0) process.off(wakeSignal, wakeAll);
    clearInterval(waiting);
    closeSync(fd);
    reader.end();
    writer.end();
  };
  if (open.size === 0) process.on(wakeSignal, wakeAll);
  open.add(wake);
  calls.control(fd, F.SETOWN, process.pid);
  calls.control(fd, F.SETSIG, SIGURG);
  calls.control(fd, F.SETFL, O.RDWR | O.NONBLOCK | O.ASYNC);
  return {
    read: (onChunk) => reader.start(onChunk).finally(close),
    write: (bytes) => writer.write(bytes),
    flushed: () => writer.flushed(),
    [Symbol.dispose]: close,
  };
}

type OnChunk = Parameters<Channel["read"]>[0];

function readerOf({ read }: ChannelCalls, fd: number) {
  let deliver: OnChunk | undefined;
  let finish: (error?: unknown) => void = () => {};
  /** What was delivered last is not yet done with. */
  let isHeld = false;
  let isOver = false;
  const memory = Buffer.allocUnsafeSlow(chunkBytes);
  const end = (error?: unknown): void => {
    isOver = true;
    finish(error);
  };
  const resume = (): void => {
    isHeld = false;
    drain();
  };
  const hold = (): void => {
    isHeld = true;
  };
  function drain(): void {
    for (let count = 0; deliver !== undefined && !isHeld && !isOver; count += 1) {
      if (count === mostChunks) {
        hold();
        setImmediate(resume);
        return;
      }
      const length = read(fd, memory, chunkBytes);
      if (length === EAGAIN) return;
      if (length === EINTR) continue;
      if (length <= 0) return end();
      const done = handOver(deliver, Buffer.from(memory.subarray(0, length)));
      if (!(done instanceof Promise)) continue;
      hold();
      done.then(resume, end);
    }
  }
  function handOver(to: OnChunk, chunk: Buffer): void | Promise<void> {
    try {
      return to(chunk);
    } catch (error) {
      end(error);
    }
  }
  return {
    drain,
    end,
    start: (onChunk: OnChunk): Promise<void> =>
      new Promise((resolve, reject) => {
        finish = (error) => (error === undefined ? resolve() : reject(error as Error));
        if (isOver) return finish();
        deliver = onChunk;
        // Never before this call has returned.
        setImmediate(drain);
      }),
  };
}

function writerOf({ write }: ChannelCalls, fd: number) {
  let queue: Uint8Array[] = [];
  let isOver = false;
  const tellFlushed: (() => void)[] = [];
  const end = (): void => {
    isOver = true;
    queue = [];
    settle();
  };
  function settle(): void {
    for (const tell of tellFlushed.splice(0)) tell();
  }
  function flush(): void {
    for (let [bytes] = queue; bytes !== undefined; [bytes] = queue) {
      let length = write(fd, bytes, bytes.length);
      // Room that came before the kernel noted that somebody waits for it brings no signal: after a second refusal it will.
      if (length === EAGAIN) length = write(fd, bytes, bytes.length);
      if (length === EINTR) continue;
      if (length === EAGAIN) return;
      // The other side is gone; the end of what comes tells.
      if (length < 0) return end();
      if (length < bytes.length) queue[0] = bytes.subarray(length);
      else queue.shift();
    }
    settle();
  }
  return {
    flush,
    end,
    write(bytes: Uint8Array): boolean {
      if (isOver) return true;
      // What the caller does with its memory afterwards is not ours to know.
      queue.push(queue.length === 0 ? bytes : Uint8Array.from(bytes));
      if (queue.length === 1) flush();
      if (queue[0] === bytes) queue[0] = Uint8Array.from(bytes);
      return queue.length === 0;
    },
    flushed: (): Promise<void> =>
      new Promise((resolve) => {
        if (queue.length === 0) resolve();
        else tellFlushed.push(resolve);
      }),
  };
}
