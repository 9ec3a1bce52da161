import { TarReader } from "#archive";
import { isLighterError } from "#base";

/** Adds up the lengths of the files in a layer while its bytes pass by. What is no tar archive has no sum. */
export class FileTally {
  #fileBytes = 0;
  #isTar = true;
  readonly #reader = new TarReader({
    onEntry: (entry) => {
      this.#fileBytes += entry.kind === "symlink" ? Buffer.byteLength(entry.linkPath) : entry.sizeBytes;
    },
    onData: () => undefined,
    onEntryEnd: () => undefined,
  });

  write(chunk: Uint8Array): void {
    this.#try(() => this.#reader.write(chunk));
  }

  end(): number | undefined {
    this.#try(() => this.#reader.end());
    return this.#isTar ? this.#fileBytes : undefined;
  }

  #try(step: () => void): void {
    if (!this.#isTar) return;
    try {
      step();
    } catch (error) {
      if (!isLighterError(error)) throw error;
      this.#isTar = false;
    }
  }
}
