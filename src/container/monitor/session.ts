import { LighterError } from "#base";
import type { Channel } from "#host";
import { createFrameReader, encodeFrame, type Frame, fromMonitor, toMonitor } from "./frames.ts";

// Whoever starts a program waits for the answer before it can come.
const keptTypes: readonly number[] = [fromMonitor.ready, fromMonitor.exited];

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
  readonly #channel: Channel;
  readonly #onOutput: OnOutput;
  readonly #waiters: { type: readonly number[]; resolve: (frame: Frame | undefined) => void }[] = [];
  /** What came before anybody asked for it. */
  readonly #early: Frame[] = [];
  #isOver = false;
  /** Resolves when the monitor hangs up and everything it said was delivered. */
  readonly closed: Promise<void>;

  constructor(channel: Channel, onOutput: OnOutput = () => {}) {
    this.#channel = channel;
    this.#onOutput = onOutput;
    this.closed = this.#pump();
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

  /** @returns false when the writer should wait until it is {@link flushed} */
  input(chunk: Uint8Array): boolean {
    return this.#channel.write(encodeFrame(toMonitor.input, chunk));
  }

  /** Everything that was said has left this process. */
  flushed(): Promise<void> {
    return this.#channel.flushed();
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
    this.#channel[Symbol.dispose]();
  }

  #send(type: number, payload?: Uint8Array | readonly number[]): void {
    this.#channel.write(encodeFrame(type, payload === undefined ? undefined : Uint8Array.from(payload)));
  }

  #next(...type: readonly number[]): Promise<Frame | undefined> {
    const early = this.#early.findIndex((frame) => type.includes(frame.type));
    if (early >= 0) return Promise.resolve(this.#early.splice(early, 1)[0]);
    if (this.#isOver) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiters.push({ type, resolve }));
  }

  async #pump(): Promise<void> {
    const framesOf = createFrameReader();
    try {
      await this.#channel.read((chunk) => this.#deliver(framesOf(chunk), 0));
    } catch {
      // Hung up: a killed monitor resets the connection.
    } finally {
      this.#isOver = true;
      for (const { resolve } of this.#waiters.splice(0)) resolve(undefined);
    }
  }

  #deliver(frames: readonly Frame[], from: number): void | Promise<void> {
    for (let at = from; at < frames.length; at += 1) {
      const { type, payload } = frames[at] as Frame;
      const done =
        type === fromMonitor.stdout
          ? this.#onOutput("stdout", payload)
          : type === fromMonitor.stderr
            ? this.#onOutput("stderr", payload)
            : this.#tell({ type, payload });
      // A callback for nothing may return anything.
      if (done instanceof Promise) return done.then(() => this.#deliver(frames, at + 1));
    }
  }

  #tell(frame: Frame): void {
    const waiters = this.#waiters.filter(({ type }) => type.includes(frame.type));
    if (waiters.length === 0 && keptTypes.includes(frame.type)) this.#early.push(frame);
    for (const waiter of waiters) {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve(frame);
    }
  }
}

function monitorDied(): LighterError {
  return new LighterError("RUNTIME_FAILED", "cannot start the container: its monitor died");
}
