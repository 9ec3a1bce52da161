import { Worker } from "node:worker_threads";
import { LighterError } from "#base";
import { type CopyJob, type SumJob, workAll } from "./file-work.ts";

const workerCount = 2;
const batchJobs = 400;
const batchBytes = 8 << 20;
/** Batches that a worker has at once: it need not wait for this thread between two. */
const ahead = 2;

/** Jobs of one kind and what comes of each. */
type Batch =
  | { readonly kind: "sum"; readonly jobs: readonly SumJob[] }
  | { readonly kind: "copy"; readonly jobs: readonly CopyJob[]; readonly root: string };

interface Answer {
  readonly id: number;
  readonly results: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
}

/** Reads and copies files on {@link workerCount} threads, which start with the first job and end with the pool. */
export class FilePool implements AsyncDisposable {
  readonly #workers: FileWorker[] = [];
  #isOpen = true;
  #running = 0;

  /** Sums of files or of parts of them, in the order of the jobs. */
  async sum(jobs: readonly SumJob[], signal?: AbortSignal): Promise<readonly string[]> {
    const batches = splitJobs(jobs, (job) => job.sizeBytes).map(
      (part): Batch => ({ kind: "sum", jobs: part }),
    );
    return (await this.#runAll(batches, signal)).flat();
  }

  /** Copies files to places below `root` where nothing is. @returns sources that changed while they were being copied */
  async copy(
    jobs: readonly CopyJob[],
    { root, signal }: { readonly root: string; readonly signal?: AbortSignal | undefined },
  ): Promise<readonly string[]> {
    const batches = splitJobs(jobs, (job) => job.sizeBytes).map(
      (part): Batch => ({ kind: "copy", jobs: part, root }),
    );
    return (await this.#runAll(batches, signal)).flat();
  }

  async #runAll(
    batches: readonly Batch[],
    signal: AbortSignal | undefined,
  ): Promise<readonly (readonly string[])[]> {
    const results: (readonly string[])[] = [];
    let next = 0;
    const drain = async (worker: FileWorker): Promise<void> => {
      for (let at = next; at < batches.length; at = next) {
        next += 1;
        const batch = batches[at];
        if (signal?.aborted || !this.#isOpen) throw cancelled();
        if (batch !== undefined) results[at] = await worker.run(batch);
      }
    };
    const lanes = this.#open().flatMap((worker) => Array.from({ length: ahead }, () => drain(worker)));
    this.#running += 1;
    // All lanes have ended when this throws: nobody writes below a snapshot that is being dropped.
    const ends = await Promise.allSettled(lanes);
    this.#running -= 1;
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    return results;
  }

  #open(): readonly FileWorker[] {
    while (this.#workers.length < workerCount) this.#workers.push(new FileWorker());
    return this.#workers;
  }

  /** Ends threads that have nothing to do: their memory is wanted elsewhere. They start again with the next job. */
  async rest(): Promise<void> {
    if (this.#running > 0) return;
    await Promise.all(this.#workers.splice(0).map((worker) => worker.end()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}

function splitJobs<T>(jobs: readonly T[], sizeOf: (job: T) => number): readonly (readonly T[])[] {
  const batches: T[][] = [];
  let bytes = 0;
  for (const job of jobs) {
    const last = batches.at(-1);
    if (last === undefined || last.length >= batchJobs || bytes >= batchBytes) {
      batches.push([job]);
      bytes = sizeOf(job);
    } else {
      last.push(job);
      bytes += sizeOf(job);
    }
  }
  return batches;
}

class FileWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<
    number,
    { resolve(results: readonly string[]): void; reject(error: unknown): void }
  >();
  #count = 0;

  constructor() {
    // The program is a function of this room, so that no bundler has to know of a second entry point.
    const modules = ["worker_threads", "fs", "crypto"].map((name) => `require("node:${name}")`);
    this.#worker = new Worker(`(${workAll.toString()})(${modules.join(", ")})`, {
      eval: true,
      // What a job leaves behind is small: without a limit it is collected late.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.unref();
    this.#worker.on("message", (answer: Answer) => this.#settle(answer));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(cancelled()));
  }

  async run(batch: Batch): Promise<readonly string[]> {
    this.#count += 1;
    const id = this.#count;
    this.#worker.ref();
    return await new Promise<readonly string[]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...batch });
    });
  }

  #settle({ id, results, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (error === undefined) waiting?.resolve(results);
    else waiting?.reject(Object.assign(new Error(error.message), { code: error.code }));
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

function cancelled(): LighterError {
  return new LighterError("CANCELLED", "cannot read or copy files: cancelled");
}
