import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import type { Files } from "#host";
import { copyInWorkers } from "./file-workers.ts";

/** One regular file to be copied to a place where nothing is. */
export interface FileJob {
  readonly from: string;
  readonly to: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Seconds. */
  readonly time: number;
  /** What lstat said when the source was chosen: a file that was written to since is reported. */
  readonly ctimeMs: number;
}

// Below this, starting a worker costs more than it saves.
const workerJobs = 3000;
const bigFileBytes = 4 << 20;

/**
 * Copies the files, the small ones of a long list on two threads.
 * @returns sources that changed while they were being copied
 */
export async function copyFiles(
  jobs: readonly FileJob[],
  options: { readonly files: Files; readonly signal?: AbortSignal | undefined },
): Promise<readonly string[]> {
  const small = jobs.filter((job) => job.sizeBytes <= bigFileBytes);
  const changed: string[] = [];
  for (const job of jobs) {
    if (job.sizeBytes <= bigFileBytes) continue;
    options.signal?.throwIfAborted();
    if (!copyBigFile(job, options.files)) changed.push(job.from);
    // Copying a big file holds the thread for long: others get a turn after each.
    await new Promise(setImmediate);
  }
  if (small.length >= workerJobs) changed.push(...(await copyInWorkers(small, options.signal)));
  else changed.push(...copySmallFiles(small));
  return changed;
}

function copySmallFiles(jobs: readonly FileJob[]): readonly string[] {
  const buffer = Buffer.allocUnsafe(Math.min(bigFileBytes, largest(jobs)) + 1);
  return jobs.filter((job) => !copySmallFile(job, buffer)).map((job) => job.from);
}

function largest(jobs: readonly FileJob[]): number {
  return jobs.reduce((most, job) => Math.max(most, job.sizeBytes), 0);
}

function copySmallFile(job: FileJob, buffer: Buffer): boolean {
  const from = openSync(job.from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const to = openSync(job.to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      for (let size = -1; size !== 0; ) {
        size = readSync(from, buffer, 0, buffer.length, null);
        for (let at = 0; at < size; ) at += writeSync(to, buffer, at, size - at);
        if (size < buffer.length) break;
      }
      finish(to, job);
    } finally {
      closeSync(to);
    }
    return fstatSync(from).ctimeMs === job.ctimeMs;
  } finally {
    closeSync(from);
  }
}

function copyBigFile(job: FileJob, files: Files): boolean {
  const from = openSync(job.from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const to = openSync(job.to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      files.copyContents(from, to, job.sizeBytes);
      finish(to, job);
    } finally {
      closeSync(to);
    }
    return fstatSync(from).ctimeMs === job.ctimeMs;
  } finally {
    closeSync(from);
  }
}

/** Owner before mode: changing the owner clears setuid and setgid. */
function finish(fd: number, job: FileJob): void {
  const made = fstatSync(fd);
  if (made.uid !== job.uid || made.gid !== job.gid) fchownSync(fd, job.uid, job.gid);
  fchmodSync(fd, job.mode);
  futimesSync(fd, job.time, job.time);
}
