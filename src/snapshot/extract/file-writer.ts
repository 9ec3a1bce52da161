import { closeSync, ftruncateSync, writeSync } from "node:fs";

/** Zeros in runs of this length, aligned, become holes. */
const holeBytes = 32 << 10;
const zeros = Buffer.alloc(holeBytes);

/** Writes the data of one file at its offsets, leaving holes where there are only zeros. */
export class FileWriter {
  readonly fd: number;
  readonly #sizeBytes: number;
  #endBytes = 0;

  constructor(fd: number, sizeBytes: number) {
    this.fd = fd;
    this.#sizeBytes = sizeBytes;
  }

  write(bytes: Buffer, offset: number): void {
    if (bytes.length < holeBytes) {
      this.#writeAt(bytes, offset);
      return;
    }
    // Start of the run of data not yet written.
    let from = 0;
    for (
      let at = (holeBytes - (offset % holeBytes)) % holeBytes;
      at + holeBytes <= bytes.length;
      at += holeBytes
    ) {
      if (!isZero(bytes, at)) continue;
      this.#writeAt(bytes.subarray(from, at), offset + from);
      from = at + holeBytes;
    }
    this.#writeAt(bytes.subarray(from), offset + from);
  }

  #writeAt(bytes: Buffer, offset: number): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at, bytes.length - at, offset + at);
    if (bytes.length > 0) this.#endBytes = offset + bytes.length;
  }

  /** Gives the file its length when it ends in a hole. */
  end(): void {
    if (this.#endBytes < this.#sizeBytes) ftruncateSync(this.fd, this.#sizeBytes);
  }

  close(): void {
    closeSync(this.fd);
  }
}

function isZero(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0 && bytes.compare(zeros, 0, holeBytes, at, at + holeBytes) === 0;
}
