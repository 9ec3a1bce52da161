import type { DeferredFile } from "#image";
import type { CopyJob } from "../work/file-work.ts";

/** Below these, laying files out costs too little to put it off. */
const worthFiles = 1000;
const worthBytes = 16 << 20;

/**
 * Gathers the files of a copy whose tree nobody needs in this build: they go straight into the layer. Whoever runs the image
 * or builds on it gets the tree completed then.
 */
export class Deferral {
  #files: readonly DeferredFile[] = [];
  #target = "";

  /** What is not in the upper directory. */
  get files(): readonly DeferredFile[] {
    return this.#files;
  }

  /** Where the source lies in the tree. */
  get target(): string {
    return this.#target;
  }

  /** @returns whether it takes these, of a source at `target`; then nobody has to copy them */
  take(jobs: readonly CopyJob[], links: readonly CopyLink[], target: string): boolean {
    const bytes = jobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (jobs.length < worthFiles && bytes < worthBytes) return false;
    const byPath = new Map(links.length === 0 ? [] : jobs.map((job) => [job.path, job]));
    const linked = links.flatMap(({ first, path }) => {
      const job = byPath.get(first);
      return job === undefined ? [] : [{ ...job, path, link: first }];
    });
    this.#target = target;
    this.#files = linked.length === 0 ? jobs : [...jobs, ...linked];
    return true;
  }
}

/** A further name of a file that is copied. */
export interface CopyLink {
  /** Where the file goes. */
  readonly first: string;
  readonly path: string;
}
