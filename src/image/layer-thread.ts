import { createReadStream } from "node:fs";
import {
  isMainThread,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from "node:worker_threads";
import { errorMessage, isLighterError } from "#base";
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

/** What a thread is started with. */
export interface LayerThreadData {
  readonly role: typeof layerRole;
  /** Where the layers below come in, once for each job. */
  readonly lowerPort: MessagePort;
  /** One word, which counts the messages sent there. */
  readonly lowerCount: SharedArrayBuffer;
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

const data: unknown = workerData;
if (!isMainThread && parentPort !== null && isLayerThread(data)) serve(parentPort, data, createHost());

function isLayerThread(value: unknown): value is LayerThreadData {
  return typeof value === "object" && value !== null && "role" in value && value.role === layerRole;
}

function serve(port: MessagePort, { lowerPort, lowerCount }: LayerThreadData, host: Host): void {
  const count = new Int32Array(lowerCount);
  let jobs = 0;
  port.on("message", (job: LayerJob) => {
    const before = jobs;
    jobs += 1;
    const waitForLower = (): readonly string[] => {
      while (Atomics.load(count, 0) <= before) Atomics.wait(count, 0, before);
      return receiveMessageOnPort(lowerPort)?.message as readonly string[];
    };
    const tell = (news: LayerNews) => port.postMessage(news);
    layOut(job, { host, waitForLower, tell }).then(
      (laidOut) => tell({ kind: "done", ...laidOut }),
      (error: unknown) => tell(newsOf(error)),
    );
  });
}

interface Parts {
  readonly host: Host;
  readonly waitForLower: () => readonly string[];
  readonly tell: (news: LayerNews) => void;
}

async function layOut(job: LayerJob, { host, waitForLower, tell }: Parts): Promise<LaidOut> {
  const { path, descriptor, root } = job;
  const tar = layerTar(host, descriptor, () => createReadStream(path, { highWaterMark: 1 << 18 }));
  using extraction = new Extraction({ host, root, lower: waitForLower, whiteouts: "overlay" });
  using hash = new HashThread();
  let told = 0;
  for await (const chunk of tar) {
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

function newsOf(error: unknown): LayerNews {
  if (error instanceof LayoutDiffers) return { kind: "differs" };
  if (!isLighterError(error)) return { kind: "failed", code: "INTERNAL", message: errorMessage(error) };
  const { code, message, details } = error;
  return { kind: "failed", code, message, ...(details && { details }) };
}
