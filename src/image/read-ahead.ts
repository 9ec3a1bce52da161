import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { tarEnd } from "#archive";
import { LighterError } from "#base";
import { type LayerOptions, type LayerPiece, LayerWalk } from "./layer-walk.ts";
import { shortened } from "./layer-writer.ts";
import {
  type ReadBatch,
  type ReadNews,
  type ReadShared,
  readAhead,
  rowLength,
  readWords as words,
} from "./read-ahead-program.ts";

const slotBytes = 1 << 20;
const slotCount = 4;
const batchPieces = 512;
/** Batches that wait for the thread. */
const batchesAhead = 2;
/** A file may lie on a network that is slow; a thread that has ended is not waited for for ever. */
const patienceMs = 600_000;

/**
 * The same bytes as {@link layerChunks}, for a layer of many files: they are opened and read in a thread of its own,
 * while this one makes headers of those to come and writes what has been read.
 */
export function* readAheadChunks(
  directory: string,
  options: LayerOptions,
): Generator<Buffer, void, undefined> {
  using reader = new Reader(options);
  let pieces: LayerPiece[] = [];
  for (const piece of new LayerWalk(directory, options).pieces()) {
    pieces.push(piece);
    if (pieces.length < batchPieces) continue;
    reader.send(pieces, false);
    pieces = [];
    yield* reader.chunks(batchesAhead);
  }
  reader.send([...pieces, { header: Buffer.from(tarEnd) }], true);
  yield* reader.chunks(0);
  reader.listen();
}

class Reader implements Disposable {
  readonly #data = new Uint8Array(new SharedArrayBuffer(slotCount * slotBytes));
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * (words.lengths + slotCount)));
  readonly #options: LayerOptions;
  readonly #port: MessagePort;
  readonly #worker: Worker;
  #sent = 0;

  constructor(options: LayerOptions) {
    this.#options = options;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: ReadShared = {
      data: this.#data,
      control: this.#control,
      words,
      rowLength,
      slotBytes,
      slotCount,
      port: port2,
    };
    // The program is a function of this room, so that no bundler has to know of a second entry point.
    const program = `(${readAhead.toString()})(require("node:worker_threads"), require("node:fs"))`;
    this.#worker = new Worker(program, {
      eval: true,
      workerData,
      transferList: [port2],
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 },
    });
    this.#worker.unref();
    this.#port.unref();
  }

  send(pieces: readonly LayerPiece[], isLast: boolean): void {
    this.#port.postMessage(batchOf(pieces, isLast));
    this.#sent += 1;
    Atomics.store(this.#control, words.sent, this.#sent);
    Atomics.notify(this.#control, words.sent);
  }

  /** What has been read, until at most `ahead` batches are left to be. */
  *chunks(ahead: number): Generator<Buffer, void, undefined> {
    for (;;) {
      const news = Atomics.load(this.#control, words.news);
      const isAlmostDone = this.#sent - Atomics.load(this.#control, words.done) <= ahead;
      const taken = Atomics.load(this.#control, words.taken);
      if (Atomics.load(this.#control, words.filled) > taken) {
        yield this.#slot(taken % slotCount);
        Atomics.store(this.#control, words.taken, taken + 1);
        Atomics.notify(this.#control, words.taken);
        continue;
      }
      if (isAlmostDone) return;
      this.listen();
      if (Atomics.wait(this.#control, words.news, news, patienceMs) === "timed-out")
        throw new LighterError(
          "INTERNAL",
          "cannot read files for a layer: the thread that does it has ended",
        );
    }
  }

  #slot(place: number): Buffer {
    return Buffer.from(this.#data.buffer, place * slotBytes, this.#control[words.lengths + place]);
  }

  /** Passes on what the thread has said so far. */
  listen(): void {
    for (let received = receiveMessageOnPort(this.#port); received !== undefined; ) {
      const news = received.message as ReadNews;
      if (news.kind === "failed") throw Object.assign(new Error(news.message), { code: news.code });
      if (news.kind === "shortened") throw shortened(news.path);
      this.#options.onChanged?.(news.path);
      received = receiveMessageOnPort(this.#port);
    }
  }

  [Symbol.dispose](): void {
    this.#port.close();
    void this.#worker.terminate();
  }
}

function batchOf(pieces: readonly LayerPiece[], isLast: boolean): ReadBatch {
  const rows = new Float64Array(pieces.length * rowLength);
  for (const [place, { header, file }] of pieces.entries())
    rows.set([header.length, file?.sizeBytes ?? 0, file?.ctimeMs ?? Number.NaN], place * rowLength);
  return {
    headers: Buffer.concat(pieces.map(({ header }) => header)),
    rows,
    paths: pieces.flatMap(({ file }) => (file === undefined ? [] : [file.path])),
    isLast,
  };
}
