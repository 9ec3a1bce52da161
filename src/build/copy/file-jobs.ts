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
import type { FilePool } from "../work/file-pool.ts";
import type { CopyJob } from "../work/file-work.ts";

// Below this, starting a worker costs more than it saves.
const workerJobs = 1500;
const bigFileBytes = 4 << 20;

/**
 * Copies the files, the small ones of a long list on two threads.
 * @returns sources that changed while they were being copied
 */
export async function copyFiles(
  jobs: readonly CopyJob[],
  options: {
    /** Where they go. */
    readonly root: string;
    readonly files: Files;
    readonly pool?: FilePool | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<readonly string[]> {
  const small = jobs.filter((job) => job.sizeBytes <= bigFileBytes);
  const changed: string[] = [];
  for (const job of jobs) {
    if (job.sizeBytes <= bigFileBytes) continue;
    options.signal?.throwIfAborted();
    if (!copyBigFile(job, options)) changed.push(job.source);
    // Copying a big file holds the thread for long: others get a turn after each.
    await new Promise(setImmediate);
  }
  const { pool, root, signal } = options;
  if (pool !== undefined && small.length >= workerJobs)
    changed.push(...(await pool.copy(small, { root, signal })));
  else changed.push(...copySmallFiles(small, root));
  return changed;
}

function copySmallFiles(jobs: readonly CopyJob[], root: string): readonly string[] {
  const buffer = Buffer.allocUnsafe(Math.min(bigFileBytes, largest(jobs)) + 1);
  return jobs.filter((job) => !copySmallFile(job, { root, buffer })).map((job) => job.source);
}

function largest(jobs: readonly CopyJob[]): number {
  return jobs.reduce((most, job) => Math.max(most, job.sizeBytes), 0);
}

function copySmallFile(
  job: CopyJob,
  { root, buffer }: { readonly root: string; readonly buffer: Buffer },
): boolean {
  const from = openSync(job.source, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const to = openSync(
      `${root}/${job.path}`,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
      0o600,
    );
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

function copyBigFile(
  job: CopyJob,
  { root, files }: { readonly root: string; readonly files: Files },
): boolean {
  const from = openSync(job.source, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const to = openSync(
      `${root}/${job.path}`,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
      0o600,
    );
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
function finish(fd: number, job: CopyJob): void {
  const made = fstatSync(fd);
  if (made.uid !== job.uid || made.gid !== job.gid) fchownSync(fd, job.uid, job.gid);
  fchmodSync(fd, job.mode);
  futimesSync(fd, job.seconds, job.seconds);
}
