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
  readonly #upper: string;
  #files: readonly DeferredFile[] = [];

  constructor(upper: string) {
    this.#upper = upper;
  }

  /** What is not in the upper directory. */
  get files(): readonly DeferredFile[] {
    return this.#files;
  }

  /** @returns whether it takes these; then nobody has to copy them */
  take(jobs: readonly CopyJob[], links: readonly CopyLink[]): boolean {
    const bytes = jobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (jobs.length < worthFiles && bytes < worthBytes) return false;
    const byPlace = new Map(links.length === 0 ? [] : jobs.map((job) => [job.to, job]));
    const linked = links.flatMap(({ first, place }) => {
      const job = byPlace.get(first);
      return job === undefined
        ? []
        : [{ ...this.#file(job), path: this.#path(place), link: this.#path(first) }];
    });
    this.#files = [...jobs.map((job) => this.#file(job)), ...linked];
    return true;
  }

  #file({ from, to, mode, uid, gid, sizeBytes, time, ctimeMs }: CopyJob): DeferredFile {
    return { path: this.#path(to), source: from, mode, uid, gid, sizeBytes, mtimeMs: time * 1000, ctimeMs };
  }

  #path(place: string): string {
    return place.slice(this.#upper.length + 1);
  }
}

/** A further name of a file that is copied. */
export interface CopyLink {
  /** Where the file goes. */
  readonly first: string;
  readonly place: string;
}
