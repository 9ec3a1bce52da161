import type * as nodeCrypto from "node:crypto";
import { createHash, type Hash } from "node:crypto";
import type * as nodeThreads from "node:worker_threads";
import { Worker } from "node:worker_threads";
import { LighterError } from "#base";
import { type Digest, parseDigest } from "#oci";

const slotBytes = 1 << 20;
const slotCount = 4;
/** Blobs up to this are hashed where they are written: a thread would cost more than it saves. */
const smallBytes = 32 << 20;
/** How much of a blob of unknown length is kept until it is clear that a thread is to hash it. */
const keptBytes = 4 << 20;
const patienceMs = 60_000;

// Places in the control words. The digest stands behind them.
const words = { written: 0, read: 1, isEnded: 2, isDone: 3, lengths: 4, digest: 16 } as const;

/**
 * The sha256 of what is written, worked out in a thread of its own, so that reading and writing a large blob cost no
 * time beside hashing it. Synchronous: {@link HashThread.update} copies and returns, and waits only when the thread is
 * far behind.
 */
export class HashThread implements Disposable {
  #early: Uint8Array[] = [];
  #ring: Ring | undefined;
  readonly #inline: Hash | undefined;
  #sizeBytes = 0;

  /** @param expectedBytes the length of the whole, when it is known */
  constructor(expectedBytes?: number) {
    if (expectedBytes === undefined) return;
    if (expectedBytes > smallBytes) this.#ring = new Ring();
    else this.#inline = createHash("sha256");
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  update(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length;
    if (this.#inline !== undefined) return void this.#inline.update(bytes);
    if (this.#ring !== undefined) return this.#ring.put(bytes);
    this.#early.push(Uint8Array.prototype.slice.call(bytes));
    if (this.#sizeBytes <= keptBytes) return;
    this.#ring = new Ring();
    for (const early of this.#early) this.#ring.put(early);
    this.#early = [];
  }

  /** Ends the hash. */
  digest(): Digest {
    return parseDigest(`sha256:${this.#inline?.digest("hex") ?? this.#ring?.end() ?? sum(this.#early)}`);
  }

  [Symbol.dispose](): void {
    this.#ring?.[Symbol.dispose]();
  }
}

function sum(chunks: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** Memory that this thread fills and the other empties, slot by slot. */
class Ring implements Disposable {
  readonly #data = new Uint8Array(new SharedArrayBuffer(slotCount * slotBytes));
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * 32));
  readonly #worker: Worker;
  #written = 0;

  constructor() {
    // The worker's program is a function of this file, so that no bundler has to know of a second entry point.
    const program = `(${hashAll.toString()})(require("node:worker_threads"), require("node:crypto"))`;
    this.#worker = new Worker(program, {
      eval: true,
      workerData: { data: this.#data, control: this.#control, words, slotBytes, slotCount },
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 },
    });
    this.#worker.unref();
  }

  put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += slotBytes) {
      const part = bytes.subarray(at, at + slotBytes);
      this.#wait(words.read, (read) => this.#written - read < slotCount);
      const slot = this.#written % slotCount;
      this.#data.set(part, slot * slotBytes);
      this.#control[words.lengths + slot] = part.length;
      this.#written += 1;
      this.#tell(words.written, this.#written);
    }
  }

  end(): string {
    Atomics.store(this.#control, words.isEnded, 1);
    // A number that is never reached by counting wakes the thread; it then sees that this is the end.
    this.#tell(words.written, -1 - this.#written);
    this.#wait(words.isDone, (isDone) => isDone === 1);
    return Buffer.from(this.#control.buffer, words.digest * 4, 32).toString("hex");
  }

  #tell(word: number, value: number): void {
    Atomics.store(this.#control, word, value);
    Atomics.notify(this.#control, word);
  }

  #wait(word: number, isEnough: (value: number) => boolean): void {
    for (let value = Atomics.load(this.#control, word); !isEnough(value); ) {
      if (Atomics.wait(this.#control, word, value, patienceMs) === "timed-out")
        throw new LighterError("INTERNAL", "cannot hash a blob: the thread that does it has ended");
      value = Atomics.load(this.#control, word);
    }
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}

interface Shared {
  readonly data: Uint8Array;
  readonly control: Int32Array;
  readonly words: { readonly [Name in keyof typeof words]: number };
  readonly slotBytes: number;
  readonly slotCount: number;
}

/** Runs in the thread: must not refer to anything outside its parameters. */
function hashAll(threads: typeof nodeThreads, crypto: typeof nodeCrypto): void {
  const { data, control, words: word, slotBytes: size, slotCount: count }: Shared = threads.workerData;
  const hash = crypto.createHash("sha256");
  for (let read = 0; ; ) {
    const told = Atomics.load(control, word.written);
    const written = told < 0 ? -1 - told : told;
    for (; read < written; read += 1) {
      const slot = read % count;
      hash.update(data.subarray(slot * size, slot * size + (control[word.lengths + slot] ?? 0)));
      Atomics.store(control, word.read, read + 1);
      Atomics.notify(control, word.read);
    }
    if (told < 0) break;
    Atomics.wait(control, word.written, told);
  }
  new Uint8Array(control.buffer, word.digest * 4, 32).set(hash.digest());
  Atomics.store(control, word.isDone, 1);
  Atomics.notify(control, word.isDone);
}
