import type * as nodeCrypto from "node:crypto";
import type * as nodeFs from "node:fs";
import type * as nodeThreads from "node:worker_threads";

/** The bytes of a file, or of a part of it. */
export interface SumJob {
  readonly path: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** Whether the file is read to its end, wherever that is by now. */
  readonly isLast: boolean;
}

/** One regular file to be copied to a place where nothing is. */
export interface CopyJob {
  readonly source: string;
  /** Below the directory that the copies of one call go to. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** The modification time that it is to have. */
  readonly seconds: number;
  /** What lstat said when the source was chosen: a file that was written to since is reported. */
  readonly ctimeMs: number;
  /** A copy of the same bytes in another snapshot: linked to instead, when its metadata is what this one's is to be. */
  readonly earlier?: string | undefined;
}

type Work =
  | { readonly id: number; readonly kind: "sum"; readonly jobs: readonly SumJob[] }
  | { readonly id: number; readonly kind: "copy"; readonly jobs: readonly CopyJob[]; readonly root: string };

/** The program of a worker thread: must not refer to anything outside its parameters. */
export function workAll(threads: typeof nodeThreads, fs: typeof nodeFs, crypto: typeof nodeCrypto): void {
  const buffer = Buffer.allocUnsafeSlow(1 << 20);
  const { O_RDONLY, O_NOFOLLOW, O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
  // A file's time goes through a double of seconds, which keeps it to a microsecond.
  const toleranceMs = 0.002;

  threads.parentPort?.on("message", (work: Work) => {
    try {
      const results =
        work.kind === "sum"
          ? work.jobs.map(sum)
          : work.jobs.filter((job) => !copy(job, `${work.root}/${job.path}`)).map(nameOf);
      threads.parentPort?.postMessage({ id: work.id, results });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      threads.parentPort?.postMessage({ id: work.id, results: [], error: { code: code ?? "", message } });
    }
  });

  function nameOf(job: CopyJob): string {
    return job.source;
  }

  function sum(job: SumJob): string {
    const hash = crypto.createHash("sha256");
    const fd = fs.openSync(job.path, O_RDONLY | O_NOFOLLOW);
    try {
      let at = job.offsetBytes;
      const end = job.isLast ? Number.POSITIVE_INFINITY : job.offsetBytes + job.sizeBytes;
      while (at < end) {
        const wanted = Math.min(buffer.length, end - at);
        const size = fs.readSync(fd, buffer, 0, wanted, at);
        hash.update(buffer.subarray(0, size));
        at += size;
        if (size < wanted) break;
      }
    } finally {
      fs.closeSync(fd);
    }
    return hash.digest("hex");
  }

  /** @returns false when the source changed meanwhile */
  function copy(job: CopyJob, place: string): boolean {
    if (job.earlier !== undefined && link(job, { earlier: job.earlier, place })) return true;
    const from = fs.openSync(job.source, O_RDONLY | O_NOFOLLOW);
    try {
      const to = fs.openSync(place, O_WRONLY | O_CREAT | O_EXCL, 0o600);
      try {
        for (;;) {
          const size = fs.readSync(from, buffer, 0, buffer.length, null);
          for (let at = 0; at < size; ) at += fs.writeSync(to, buffer, at, size - at);
          if (size < buffer.length) break;
        }
        // Owner before mode: changing the owner clears setuid and setgid.
        const made = fs.fstatSync(to);
        if (made.uid !== job.uid || made.gid !== job.gid) fs.fchownSync(to, job.uid, job.gid);
        fs.fchmodSync(to, job.mode);
        fs.futimesSync(to, job.seconds, job.seconds);
      } finally {
        fs.closeSync(to);
      }
      return fs.fstatSync(from).ctimeMs === job.ctimeMs;
    } finally {
      fs.closeSync(from);
    }
  }

  /** @returns whether `place` now is the earlier copy */
  function link(
    job: CopyJob,
    { earlier, place }: { readonly earlier: string; readonly place: string },
  ): boolean {
    const known = fs.lstatSync(earlier, { throwIfNoEntry: false });
    const isSame =
      known?.isFile() === true &&
      known.size === job.sizeBytes &&
      (known.mode & 0o7777) === job.mode &&
      known.uid === job.uid &&
      known.gid === job.gid &&
      Math.abs(known.mtimeMs - job.seconds * 1000) < toleranceMs;
    if (!isSame) return false;
    try {
      fs.linkSync(earlier, place);
      return true;
    } catch {
      return false; // too many links, or another filesystem: it is copied
    }
  }
}
