/** libuv's pool has four threads: as many blocks wait for them, so that they go on while this one reads and writes. */
const width = 8;

/** Compresses blocks of one length by themselves and in parallel; the results come in the order of the blocks. */
export async function* compressBlocks(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: {
    readonly blockBytes: number;
    readonly compress: (block: Buffer) => Promise<Uint8Array>;
  },
): AsyncGenerator<Uint8Array, void, undefined> {
  const blocks = new Blocks(options.blockBytes);
  const running: Promise<Uint8Array>[] = [];
  const start = async (block: Buffer): Promise<Uint8Array> => {
    try {
      return await options.compress(block);
    } finally {
      blocks.giveBack(block);
    }
  };
  let isEmpty = true;
  try {
    for await (const block of blocks.fill(chunks)) {
      isEmpty = false;
      running.push(start(block));
      if (running.length >= width) yield await take(running);
    }
    while (running.length > 0) yield await take(running);
    if (isEmpty) yield await options.compress(Buffer.alloc(0));
  } finally {
    // When reading fails or the caller stops, nobody else waits for these.
    await Promise.allSettled(running);
  }
}

async function take(running: Promise<Uint8Array>[]): Promise<Uint8Array> {
  const first = running.shift();
  return first ?? Buffer.alloc(0);
}

/** Blocks of one length, used again when they are given back. */
class Blocks {
  readonly #bytes: number;
  readonly #free: ArrayBufferLike[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  giveBack(block: Buffer): void {
    this.#free.push(block.buffer);
  }

  /** Copies, since the chunks' memory is not ours to keep. */
  async *fill(
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Buffer, void, undefined> {
    let block = this.#next();
    let used = 0;
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        const length = Math.min(chunk.length - at, this.#bytes - used);
        block.set(chunk.subarray(at, at + length), used);
        used += length;
        at += length;
        if (used < this.#bytes) continue;
        yield block;
        block = this.#next();
        used = 0;
      }
    }
    if (used > 0) yield block.subarray(0, used);
  }

  #next(): Buffer {
    return Buffer.from(this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes).buffer);
  }
}
