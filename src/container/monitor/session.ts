import type { Duplex } from "node:stream";
import { LighterError } from "#base";
import { encodeFrame, type Frame, fromMonitor, readFrames, toMonitor } from "./frames.ts";

/** How a run of the container ended. */
export interface Exit {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** False when the restart policy starts it again. */
  readonly final: boolean;
}

/** What is done with the output, in order; a promise holds back what follows. */
export type OnOutput = (stream: "stdout" | "stderr", chunk: Buffer) => void | Promise<void>;

export interface Subscription {
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** This client feeds the program. */
  readonly stdin?: boolean;
}

/** A conversation with a monitor. */
export class MonitorSession implements Disposable {
  readonly #stream: Duplex;
  readonly #onOutput: OnOutput;
  readonly #waiters: { type: readonly number[]; resolve: (frame: Frame | undefined) => void }[] = [];
  #isOver = false;
  /** Resolves when the monitor hangs up and everything it said was delivered. */
  readonly closed: Promise<void>;

  constructor(stream: Duplex, onOutput: OnOutput = () => {}) {
    this.#stream = stream;
    this.#onOutput = onOutput;
    stream.on("error", () => {}); // the monitor may go at any time; the end of the frames tells
    this.closed = this.#pump();
    this.closed.catch(() => {});
  }

  /** The monitor has taken over the root. @throws RUNTIME_FAILED when it died */
  async ready(): Promise<void> {
    if ((await this.#next(fromMonitor.ready)) === undefined) throw monitorDied();
  }

  /** The container's first process, or `failed` with the words in the runtime's log. @throws RUNTIME_FAILED */
  async started(): Promise<{ readonly pid: number } | "failed"> {
    const waiting = this.#next(fromMonitor.started, fromMonitor.failed);
    this.#send(toMonitor.start);
    const frame = await waiting;
    if (frame === undefined) throw monitorDied();
    return frame.type === fromMonitor.failed ? "failed" : { pid: Number(frame.payload.toString()) };
  }

  /** The next end of the program; undefined when the monitor was killed. */
  async exited(): Promise<Exit | undefined> {
    const frame = await this.#next(fromMonitor.exited);
    return frame && (JSON.parse(frame.payload.toString()) as Exit);
  }

  subscribe({ stdout = false, stderr = false, stdin = false }: Subscription): void {
    this.#send(toMonitor.subscribe, [(stdout ? 1 : 0) | (stderr ? 2 : 0) | (stdin ? 4 : 0)]);
  }

  /** @returns false when the writer should wait for {@link drained} */
  input(chunk: Uint8Array): boolean {
    return this.#stream.write(encodeFrame(toMonitor.input, chunk));
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.once("drain", resolve);
      this.#stream.once("close", resolve);
    });
  }

  /** Everything that was said has left this process. */
  flushed(): Promise<void> {
    return new Promise((resolve) => this.#stream.write(Buffer.alloc(0), () => resolve()));
  }

  inputEnd(): void {
    this.#send(toMonitor.inputEnd);
  }

  resize(rows: number, columns: number): void {
    this.#send(toMonitor.resize, [rows >> 8, rows & 255, columns >> 8, columns & 255]);
  }

  signal(number: number): void {
    this.#send(toMonitor.signal, [number]);
  }

  /** No restart from now on; SIGKILL after `graceMs`, -1 for never. */
  stop(signal: number, graceMs: number): void {
    const payload = Buffer.alloc(5, signal);
    payload.writeInt32BE(graceMs, 1);
    this.#send(toMonitor.stop, payload);
  }

  policy(policy: number, mostRestarts: number): void {
    const payload = Buffer.alloc(5, policy);
    payload.writeUInt32BE(mostRestarts, 1);
    this.#send(toMonitor.policy, payload);
  }

  /** Kills the container and ends the monitor, whoever still listens to it. */
  quit(): void {
    this.#send(toMonitor.quit);
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }

  #send(type: number, payload?: Uint8Array | readonly number[]): void {
    this.#stream.write(encodeFrame(type, payload === undefined ? undefined : Uint8Array.from(payload)));
  }

  #next(...type: readonly number[]): Promise<Frame | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiters.push({ type, resolve }));
  }

  async #pump(): Promise<void> {
    try {
      for await (const frame of readFrames(this.#stream)) {
        if (frame.type === fromMonitor.stdout) await this.#onOutput("stdout", frame.payload);
        else if (frame.type === fromMonitor.stderr) await this.#onOutput("stderr", frame.payload);
        else this.#tell(frame);
      }
    } catch {
      // Hung up: a killed monitor resets the connection.
    } finally {
      this.#isOver = true;
      for (const { resolve } of this.#waiters.splice(0)) resolve(undefined);
    }
  }

  #tell(frame: Frame): void {
    for (const waiter of this.#waiters.filter(({ type }) => type.includes(frame.type))) {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve(frame);
    }
  }
}

function monitorDied(): LighterError {
  return new LighterError("RUNTIME_FAILED", "cannot start the container: its monitor died");
}
