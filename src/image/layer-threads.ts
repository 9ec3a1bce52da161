import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type Code, LighterError } from "#base";
import { LayoutDiffers } from "#snapshot";
import type { controlWords, LaidOut, LayerJob, LayerNews, LayerThreadData } from "./layer-thread.ts";

interface RunOptions {
  /** The directories of the layers below, top first, once they are there. */
  readonly lower: Promise<readonly string[]>;
  readonly signal: AbortSignal;
  readonly onBytes: (current: number) => void;
}

/** Threads that lay out layers: made when they are wanted, and used again. */
export class LayerThreads implements AsyncDisposable {
  readonly #idle: LayerThread[] = [];

  /** @throws LayoutDiffers, and what laying out throws */
  async run(job: LayerJob, options: RunOptions): Promise<LaidOut> {
    const thread = this.#idle.pop() ?? (await openThread());
    try {
      const laidOut = await thread.run(job, options);
      this.#idle.push(thread);
      return laidOut;
    } catch (error) {
      // Layers below may be on their way to it still: a fresh one does not mistake them for its own.
      await thread.end();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.map((thread) => thread.end()));
  }
}

async function openThread(): Promise<LayerThread> {
  const { controlWords, layerProgram, layerRole } = await import("./layer-thread.ts");
  const { port1, port2 } = new MessageChannel();
  const control = new SharedArrayBuffer(4 * controlWords.length);
  const data: LayerThreadData = { role: layerRole, lowerPort: port2, control };
  const worker = new Worker(layerProgram, {
    workerData: data,
    transferList: [port2],
    // Chunks are short-lived: a small nursery keeps several threads small.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  return new LayerThread({ worker, lowerPort: port1, control: new Int32Array(control), words: controlWords });
}

class LayerThread {
  readonly #worker: Worker;
  readonly #lowerPort: MessagePort;
  readonly #control: Int32Array;
  readonly #words: typeof controlWords;

  constructor(parts: {
    readonly worker: Worker;
    readonly lowerPort: MessagePort;
    readonly control: Int32Array;
    readonly words: typeof controlWords;
  }) {
    this.#worker = parts.worker;
    this.#lowerPort = parts.lowerPort;
    this.#control = parts.control;
    this.#words = parts.words;
  }

  async run(job: LayerJob, { lower, signal, onBytes }: RunOptions): Promise<LaidOut> {
    lower.then(
      (directories) => this.#tellLower(directories),
      () => undefined,
    );
    return await new Promise<LaidOut>((resolve, reject) => {
      // The thread answers that it was cancelled. It is never ended at work: native code does not outlive that.
      const cancel = () => Atomics.store(this.#control, this.#words.isStopped, 1);
      const onNews = (news: LayerNews) => {
        if (news.kind === "progress") return onBytes(news.current);
        this.#worker.off("message", onNews).off("error", reject);
        signal.removeEventListener("abort", cancel);
        if (news.kind === "done") resolve(news);
        else reject(news.kind === "differs" ? new LayoutDiffers() : failure(news));
      };
      this.#worker.on("message", onNews).on("error", reject);
      signal.addEventListener("abort", cancel, { once: true });
      if (signal.aborted) cancel();
      this.#worker.postMessage(job);
    });
  }

  #tellLower(directories: readonly string[]): void {
    this.#lowerPort.postMessage(directories);
    Atomics.add(this.#control, this.#words.lowerCount, 1);
    Atomics.notify(this.#control, this.#words.lowerCount);
  }

  async end(): Promise<void> {
    this.#lowerPort.close();
    await this.#worker.terminate();
  }
}

function failure({ code, message, details }: Extract<LayerNews, { kind: "failed" }>): LighterError {
  return new LighterError(code as Code, message, details === undefined ? {} : { details: { ...details } });
}
