import { LighterError, Limit } from "#base";
import { type Descriptor, type Digest, digestOf, type Platform } from "#oci";
import { blobProgress } from "./blob-progress.ts";
import { chooseForPlatform } from "./choose-platform.ts";
import { type ImageBytes, parseDocument } from "./document.ts";
import type { BlobOutcome, ImageSource, ImageTarget, TransferOptions } from "./endpoints.ts";

export interface CopyOptions extends TransferOptions {
  /** `all` copies what the name leads to as it is; a platform copies its manifest alone. */
  readonly platform: Platform | "all";
  readonly verb?: "push" | "copy";
  /** Told of each blob that the target has now. */
  readonly onBlob?: (blob: Descriptor) => void;
  /** Blobs that are on their way already. */
  readonly underWay?: ReadonlyMap<Digest, Promise<void>>;
}

/** What was copied. */
export interface Copied {
  readonly top: Descriptor;
  /** The target had it already under this name. */
  readonly isUnchanged: boolean;
}

const depthLimit = 4;

/**
 * Copies an image from one place to another, blob by blob, none twice; documents keep their bytes and so their digests.
 * @throws PLATFORM_NOT_FOUND, IMAGE_INVALID and what source and target throw
 */
export async function copyImage(
  source: ImageSource,
  target: ImageTarget,
  options: CopyOptions,
): Promise<Copied> {
  const top = await topFor(source, options);
  const there = await target.findTop(options.signal);
  if (there?.digest === top.descriptor.digest) return { top: top.descriptor, isUnchanged: true };
  await copyDocument({ source, target, options, done: new Set() }, top, 0);
  await target.finish(top);
  return { top: top.descriptor, isUnchanged: false };
}

interface Work {
  readonly source: ImageSource;
  readonly target: ImageTarget;
  readonly options: CopyOptions;
  readonly done: Set<Digest>;
}

async function topFor(source: ImageSource, options: CopyOptions): Promise<ImageBytes> {
  let top = await source.getTop(options.signal);
  for (let depth = 0; options.platform !== "all" && depth < depthLimit; depth += 1) {
    const parsed = parseDocument(top);
    if (parsed.kind === "manifest") return top;
    const descriptor = chooseForPlatform(parsed.manifests, options.platform, source.description);
    top = await getDocument({ source, options }, descriptor);
  }
  return top;
}

async function copyDocument(work: Work, document: ImageBytes, depth: number): Promise<void> {
  const { source, target, options } = work;
  if (depth > depthLimit)
    throw new LighterError("IMAGE_INVALID", `cannot copy "${source.description}": its indexes nest too deep`);
  if (work.done.has(document.descriptor.digest)) return;
  work.done.add(document.descriptor.digest);
  const parsed = parseDocument(document);
  if (parsed.kind === "manifest") await copyBlobs(work, [parsed.manifest.config, ...parsed.manifest.layers]);
  else
    for (const manifest of parsed.manifests)
      await copyDocument(work, await getDocument(work, manifest), depth + 1);
  await target.putManifest(document, {
    isTop: depth === 0,
    ...(options.signal && { signal: options.signal }),
  });
}

async function getDocument(
  { source, options }: Pick<Work, "source" | "options">,
  descriptor: Descriptor,
): Promise<ImageBytes> {
  const bytes = await source.getManifest(descriptor, options.signal);
  if (digestOf(bytes) === descriptor.digest) return { descriptor, bytes };
  throw new LighterError(
    "DIGEST_MISMATCH",
    `cannot copy "${source.description}": its manifest ${descriptor.digest} came as ${digestOf(bytes)}; ask who made the image`,
  );
}

async function copyBlobs(work: Work, blobs: readonly Descriptor[]): Promise<void> {
  const limit = new Limit(work.target.width);
  const stop = new AbortController();
  const { signal } = work.options;
  const abort = () => stop.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  const wanted = blobs.filter(({ digest }) => !work.done.has(digest) && work.done.add(digest));
  let failure: { readonly error: unknown } | undefined;
  try {
    await Promise.all(
      wanted.map((blob) =>
        limit
          .run(async () => {
            if (failure !== undefined) return;
            await (work.options.underWay?.get(blob.digest) ?? copyBlob(work, blob, stop.signal));
          })
          .catch((error: unknown) => {
            failure ??= { error };
            stop.abort();
          }),
      ),
    );
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  if (failure !== undefined) throw failure.error;
}

const words: Readonly<Record<BlobOutcome, string | undefined>> = {
  existed: "exists",
  mounted: "mounted",
  stored: undefined,
};

/** Copies one blob, with its line of progress. */
export async function copyBlob(
  { source, target, options }: Pick<Work, "source" | "target"> & { readonly options: Partial<CopyOptions> },
  blob: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  const progress = blobProgress(options.verb ?? "copy", blob, options.onProgress);
  const outcome = await target.putBlob(blob, {
    read: (offsetBytes) => source.readBlob(blob, { offsetBytes, signal }),
    repositories: source.repositoriesOf(blob),
    onBytes: progress.bytes,
    signal,
  });
  options.onBlob?.(blob);
  progress.done(words[outcome]);
}
