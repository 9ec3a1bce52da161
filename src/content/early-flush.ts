import type { Host } from "#host";

const stepBytes = 16 << 20;

/** Has what is written go to the disk meanwhile, so that the flush at the end has little left to do. */
export class EarlyFlush {
  readonly #files: Host["files"];
  /** Up to where the disk has been told to begin. */
  #told = 0;

  constructor({ files }: Pick<Host, "files">) {
    this.#files = files;
  }

  /** Told of every write, by where it ended. */
  wrote(fd: number, end: number): void {
    if (end - this.#told < stepBytes) return;
    this.#files.beginFlush(fd, this.#told, end - this.#told);
    this.#told = end;
  }

  restart(): void {
    this.#told = 0;
  }
}
