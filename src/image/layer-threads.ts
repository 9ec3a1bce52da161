import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type Code, LighterError } from "#base";
import { LayoutDiffers } from "#snapshot";
import type { LaidOut, LayerJob, LayerNews, LayerThreadData } from "./layer-thread.ts";

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
      // It may still write below the root, or wait for layers that never come.
      await thread.end();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.map((thread) => thread.end()));
  }
}

async function openThread(): Promise<LayerThread> {
  const { layerProgram, layerRole } = await import("./layer-thread.ts");
  const { port1, port2 } = new MessageChannel();
  const lowerCount = new SharedArrayBuffer(4);
  const data: LayerThreadData = { role: layerRole, lowerPort: port2, lowerCount };
  const worker = new Worker(layerProgram, {
    workerData: data,
    transferList: [port2],
    // Chunks are short-lived: a small nursery keeps several threads small.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  return new LayerThread(worker, port1, new Int32Array(lowerCount));
}

class LayerThread {
  readonly #worker: Worker;
  readonly #lowerPort: MessagePort;
  readonly #lowerCount: Int32Array;

  constructor(worker: Worker, lowerPort: MessagePort, lowerCount: Int32Array) {
    this.#worker = worker;
    this.#lowerPort = lowerPort;
    this.#lowerCount = lowerCount;
  }

  async run(job: LayerJob, { lower, signal, onBytes }: RunOptions): Promise<LaidOut> {
    lower.then(
      (directories) => this.#tellLower(directories),
      () => undefined,
    );
    return await new Promise<LaidOut>((resolve, reject) => {
      const cancel = () => reject(new LighterError("CANCELLED", "cannot unpack the image: cancelled"));
      const onNews = (news: LayerNews) => {
        if (news.kind === "progress") return onBytes(news.current);
        this.#worker.off("message", onNews).off("error", reject);
        signal.removeEventListener("abort", cancel);
        if (news.kind === "done") resolve(news);
        else reject(news.kind === "differs" ? new LayoutDiffers() : failure(news));
      };
      this.#worker.on("message", onNews).on("error", reject);
      signal.addEventListener("abort", cancel, { once: true });
      if (signal.aborted) return cancel();
      this.#worker.postMessage(job);
    });
  }

  #tellLower(directories: readonly string[]): void {
    this.#lowerPort.postMessage(directories);
    Atomics.add(this.#lowerCount, 0, 1);
    Atomics.notify(this.#lowerCount, 0);
  }

  async end(): Promise<void> {
    this.#lowerPort.close();
    await this.#worker.terminate();
  }
}

function failure({ code, message, details }: Extract<LayerNews, { kind: "failed" }>): LighterError {
  return new LighterError(code as Code, message, details === undefined ? {} : { details: { ...details } });
}
