import { readSync } from "node:fs";

export const bufferBytes = 1 << 20;

/** Gathers small pieces into large chunks; files are read straight into it. */
export class OutputBuffer {
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #used = 0;

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  get isFull(): boolean {
    return this.#used === bufferBytes;
  }

  readFrom(fd: number, limitBytes: number, offsetBytes: number): number {
    const length = readSync(
      fd,
      this.#buffer,
      this.#used,
      Math.min(limitBytes, bufferBytes - this.#used),
      offsetBytes,
    );
    this.#used += length;
    return length;
  }

  putZeros(limitBytes: number): number {
    const length = Math.min(limitBytes, bufferBytes - this.#used);
    this.#buffer.fill(0, this.#used, this.#used + length);
    this.#used += length;
    return length;
  }

  /** The usual case, without the cost of a generator. */
  tryPut(bytes: Uint8Array): boolean {
    if (bytes.length > bufferBytes - this.#used) return false;
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
    return true;
  }

  *put(bytes: Uint8Array): Generator<Buffer, void, undefined> {
    for (let at = 0; at < bytes.length; ) {
      if (this.isFull) yield* this.flush();
      const length = Math.min(bytes.length - at, bufferBytes - this.#used);
      this.#buffer.set(length === bytes.length ? bytes : bytes.subarray(at, at + length), this.#used);
      this.#used += length;
      at += length;
    }
  }

  *flush(): Generator<Buffer, void, undefined> {
    const length = this.#used;
    this.#used = 0;
    if (length > 0) yield this.#buffer.subarray(0, length);
  }
}
