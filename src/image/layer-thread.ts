import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import {
  isMainThread,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from "node:worker_threads";
import { errorMessage, isLighterError, LighterError } from "#base";
import { HashThread } from "#content";
import { createHost, type Host } from "#host";
import type { Descriptor, Digest } from "#oci";
import { Extraction, LayoutDiffers } from "#snapshot";
import { layerTar, notItsDiffId } from "./layer-tar.ts";

/**
 * This file as the program of a thread: it begins to serve when it is loaded as one. It is loaded by `import()` alone, so
 * that a bundler makes it a file of its own.
 */
export const layerProgram: URL = new URL(import.meta.url);
/** By this a thread knows that it is one of layers: other threads may load the same file for what else is in it. */
export const layerRole = "lighter layer";

/** What both sides look at: how many messages were sent to the port of lower layers, and whether to stop. */
export const controlWords = { lowerCount: 0, isStopped: 1, length: 2 } as const;

/** What a thread is started with. */
export interface LayerThreadData {
  readonly role: typeof layerRole;
  /** Where the layers below come in, once for each job. */
  readonly lowerPort: MessagePort;
  /** {@link controlWords}. */
  readonly control: SharedArrayBuffer;
}

/** A layer to be laid out below `root`, as if nothing were below until the layers below it are told. */
export interface LayerJob {
  readonly path: string;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly root: string;
}

/** What came of a layer. */
export interface LaidOut {
  /** Length of the uncompressed archive. */
  readonly tarBytes: number;
  readonly fileBytes: number;
}

/** What a thread says of its job. */
export type LayerNews =
  | { readonly kind: "progress"; readonly current: number }
  | ({ readonly kind: "done" } & LaidOut)
  | { readonly kind: "differs" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly details?: object };

const newsEveryBytes = 8 << 20;
/** Whoever waits for lower layers looks so often whether to stop. */
const stopLookMs = 50;

const data: unknown = workerData;
if (!isMainThread && parentPort !== null && isLayerThread(data)) serve(parentPort, data, createHost());

function isLayerThread(value: unknown): value is LayerThreadData {
  return typeof value === "object" && value !== null && "role" in value && value.role === layerRole;
}

function serve(port: MessagePort, { lowerPort, control }: LayerThreadData, host: Host): void {
  const words = new Int32Array(control);
  const throwIfStopped = (): void => {
    if (Atomics.load(words, controlWords.isStopped) === 1)
      throw new LighterError("CANCELLED", "cannot unpack the image: cancelled");
  };
  let jobs = 0;
  port.on("message", (job: LayerJob) => {
    const before = jobs;
    jobs += 1;
    const waitForLower = (): readonly string[] => {
      while (Atomics.load(words, controlWords.lowerCount) <= before) {
        throwIfStopped();
        Atomics.wait(words, controlWords.lowerCount, before, stopLookMs);
      }
      return receiveMessageOnPort(lowerPort)?.message as readonly string[];
    };
    const tell = (news: LayerNews) => port.postMessage(news);
    layOut(job, { host, waitForLower, throwIfStopped, tell }).then(
      (laidOut) => tell({ kind: "done", ...laidOut }),
      (error: unknown) => tell(newsOf(error)),
    );
  });
}

interface Parts {
  readonly host: Host;
  readonly waitForLower: () => readonly string[];
  readonly throwIfStopped: () => void;
  readonly tell: (news: LayerNews) => void;
}

async function layOut(job: LayerJob, { host, waitForLower, throwIfStopped, tell }: Parts): Promise<LaidOut> {
  const { path, descriptor, root } = job;
  await using file = openFile(path);
  const tar = layerTar(host, descriptor, () => file.stream);
  using extraction = new Extraction({ host, root, lower: waitForLower, whiteouts: "overlay" });
  using hash = new HashThread();
  let told = 0;
  for await (const chunk of tar) {
    throwIfStopped();
    hash.update(chunk);
    extraction.write(chunk);
    if (hash.sizeBytes - told < newsEveryBytes) continue;
    told = hash.sizeBytes;
    tell({ kind: "progress", current: told });
  }
  // Before it is believed that the archive ends where it should.
  if (hash.digest() !== job.diffId) throw notItsDiffId(descriptor, job.diffId);
  const { fileBytes } = extraction.finish();
  return { tarBytes: hash.sizeBytes, fileBytes };
}

/** A stream whose descriptor is closed when it is disposed: the end of a thread would leave it open. */
function openFile(path: string): { readonly stream: Readable } & AsyncDisposable {
  const stream = createReadStream(path, { highWaterMark: 1 << 18 });
  return {
    stream,
    async [Symbol.asyncDispose]() {
      stream.destroy();
      if (!stream.closed) await new Promise<void>((resolve) => stream.once("close", resolve));
    },
  };
}

function newsOf(error: unknown): LayerNews {
  if (error instanceof LayoutDiffers) return { kind: "differs" };
  if (!isLighterError(error)) return { kind: "failed", code: "INTERNAL", message: errorMessage(error) };
  const { code, message, details } = error;
  return { kind: "failed", code, message, ...(details && { details }) };
}
