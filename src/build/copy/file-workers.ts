import type * as nodeFs from "node:fs";
import type * as nodeThreads from "node:worker_threads";
import { Worker } from "node:worker_threads";
import { LighterError } from "#base";
import type { FileJob } from "./file-jobs.ts";

const workerCount = 2;

/** Copies small files on {@link workerCount} threads. @returns sources that changed while they were being copied */
export async function copyInWorkers(
  jobs: readonly FileJob[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const share = Math.ceil(jobs.length / workerCount);
  const shares = Array.from({ length: workerCount }, (_, at) => jobs.slice(at * share, (at + 1) * share));
  const changed = await Promise.all(shares.map((part) => runWorker(part, signal)));
  return changed.flat();
}

async function runWorker(
  jobs: readonly FileJob[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  // The worker's program is a function of this file, so that no bundler has to know of a second entry point.
  const worker = new Worker(`(${copyAll.toString()})(require("node:worker_threads"), require("node:fs"))`, {
    eval: true,
    workerData: jobs,
  });
  const stop = (): void => void worker.terminate();
  signal?.addEventListener("abort", stop);
  try {
    return await new Promise<readonly string[]>((resolve, reject) => {
      worker.once("message", (answer: Answer) =>
        answer.error === undefined ? resolve(answer.changed) : reject(failure(answer.error)),
      );
      worker.once("error", reject);
      worker.once("exit", () => reject(new LighterError("CANCELLED", "cannot copy files: cancelled")));
    });
  } finally {
    signal?.removeEventListener("abort", stop);
    await worker.terminate();
  }
}

interface Answer {
  readonly changed: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
}

function failure(error: { readonly code: string; readonly message: string }): Error {
  return Object.assign(new Error(error.message), { code: error.code });
}

/** Runs in a worker: must not refer to anything outside its parameters. */
function copyAll(threads: typeof nodeThreads, fs: typeof nodeFs): void {
  const buffer = Buffer.allocUnsafeSlow((4 << 20) + 1);
  const { O_RDONLY, O_NOFOLLOW, O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
  const changed: string[] = [];
  const jobs: readonly FileJob[] = threads.workerData;
  const uid = process.geteuid?.();
  const gid = process.getegid?.();
  try {
    for (const job of jobs) copyOne(job);
    threads.parentPort?.postMessage({ changed });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    threads.parentPort?.postMessage({ changed, error: { code: code ?? "", message } });
  }

  function copyOne(job: FileJob): void {
    const from = fs.openSync(job.from, O_RDONLY | O_NOFOLLOW);
    const to = fs.openSync(job.to, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    for (;;) {
      const size = fs.readSync(from, buffer, 0, buffer.length, null);
      for (let at = 0; at < size; ) at += fs.writeSync(to, buffer, at, size - at);
      if (size < buffer.length) break;
    }
    if (uid !== job.uid || gid !== job.gid) fs.fchownSync(to, job.uid, job.gid);
    fs.fchmodSync(to, job.mode);
    fs.futimesSync(to, job.time, job.time);
    fs.closeSync(to);
    if (fs.fstatSync(from).ctimeMs !== job.ctimeMs) changed.push(job.from);
    fs.closeSync(from);
  }
}
