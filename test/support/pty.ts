import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ReadStream } from "node:tty";
import { openSys } from "../../src/host/sys.ts";

const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;
const TIOCSWINSZ = 0x5414;
const waitMs = 60_000;
const lastWordsMs = 2000;

/** A program on a terminal, and the user in front of it. */
export interface Terminal {
  type(keys: string): void;
  resize(rows: number, columns: number): void;
  /** Waits until the text comes after what was awaited before. */
  sees(text: string): Promise<void>;
  /** To the program itself, not by the terminal. */
  kill(signal: NodeJS.Signals): void;
  /** Its status, and all it printed without carriage returns. */
  readonly ended: Promise<{ readonly status: number | null; readonly output: string }>;
}

/** Starts a program with a terminal of its own as the controlling one. */
export function onTerminal(
  [program = "", ...args]: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly rows?: number;
    readonly columns?: number;
  },
): Terminal {
  const sys = openSys();
  const master = openSync("/dev/ptmx", "r+");
  const number = Buffer.alloc(4);
  sys.ioctl(master, TIOCSPTLCK, Buffer.alloc(4));
  sys.ioctl(master, TIOCGPTN, number);
  const resize = (rows: number, columns: number): void => {
    const size = Buffer.alloc(8);
    size.writeUInt16LE(rows, 0);
    size.writeUInt16LE(columns, 2);
    sys.ioctl(master, TIOCSWINSZ, size);
  };
  resize(options.rows ?? 24, options.columns ?? 80);
  const slave = openSync(`/dev/pts/${number.readUInt32LE()}`, "r+");
  const child = spawn("setsid", ["--ctty", "--wait", program, ...args], {
    stdio: [slave, slave, slave],
    env: { ...process.env, ...options.env },
  });
  closeSync(slave);
  const stream = new ReadStream(master) as ReadStream & { write(text: string): void };
  let output = "";
  let seen = 0;
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  stream.on("data", (chunk: Buffer) => {
    output += chunk.toString("latin1");
    tell();
  });
  // EIO: the last program has closed the terminal, and all that it printed has been read.
  const closed = new Promise<void>((resolve) => {
    stream.once("close", resolve);
    stream.on("error", () => resolve());
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ended = exited.then(async (status) => {
    // One that was killed may leave others on its terminal.
    await Promise.race([closed, delay(lastWordsMs)]);
    stream.destroy();
    return { status, output: output.replaceAll("\r", "") };
  });
  return {
    type: (keys) => stream.write(keys),
    resize,
    kill: (signal) => void (child.pid !== undefined && process.kill(child.pid, signal)),
    sees: (text) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          listeners.delete(look);
          reject(new Error(`waited in vain for ${JSON.stringify(text)} in ${JSON.stringify(output)}`));
        }, waitMs);
        const look = (): void => {
          const at = output.indexOf(text, seen);
          if (at < 0) return;
          seen = at + text.length;
          clearTimeout(timer);
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      }),
    ended,
  };
}
