import { isLighterError, LighterError, type OnProgress } from "#base";
import type { ContentStore } from "#content";
import type { Descriptor } from "#oci";
import { blobProgress } from "./blob-progress.ts";
import type { ImageSource } from "./endpoints.ts";

/**
 * Brings a blob into the store, going on where an earlier attempt of any process ended; while another process fetches it,
 * waits for that one. Bytes that prove wrong are fetched once more, whole.
 * @throws DIGEST_MISMATCH, SIZE_MISMATCH, STORE_FULL and what the source throws
 */
export async function storeBlob(
  content: ContentStore,
  source: Pick<ImageSource, "readBlob">,
  blob: Descriptor,
  options: { readonly onProgress?: OnProgress; readonly signal?: AbortSignal },
): Promise<void> {
  const progress = blobProgress("pull", blob, options.onProgress);
  for (let attempt = 0; ; attempt += 1) {
    try {
      const outcome = await storeOnce({ content, source, blob }, { ...options, onBytes: progress.bytes });
      checkSize(content, blob);
      return progress.done(outcome === "existed" ? "exists" : undefined);
    } catch (error) {
      if (attempt > 0 || !isLighterError(error, "DIGEST_MISMATCH")) throw error;
    }
  }
}

async function storeOnce(
  {
    content,
    source,
    blob,
  }: { content: ContentStore; source: Pick<ImageSource, "readBlob">; blob: Descriptor },
  options: { readonly signal?: AbortSignal; readonly onBytes: (current: number) => void },
): Promise<"existed" | "stored"> {
  const { signal } = options;
  using ingest = await content.resume(blob.digest, signal);
  if (ingest === undefined) return "existed";
  if (ingest.offsetBytes > blob.size) ingest.restart();
  const { offsetBytes } = ingest;
  let current = offsetBytes;
  for await (const chunk of source.readBlob(blob, { offsetBytes, ...(signal && { signal }) })) {
    ingest.write(chunk);
    current += chunk.length;
    options.onBytes(current);
    if (signal?.aborted) throw new LighterError("CANCELLED", `cannot pull blob "${blob.digest}": cancelled`);
  }
  ingest.commit(blob.mediaType, { digest: blob.digest, sizeBytes: blob.size });
  return "stored";
}

/** A blob that was there already may be another size than this manifest says. */
function checkSize(content: ContentStore, blob: Descriptor): void {
  const size = content.findSize(blob.digest);
  if (size === blob.size) return;
  throw new LighterError(
    "SIZE_MISMATCH",
    `cannot use blob "${blob.digest}": its manifest says ${blob.size} bytes, it has ${size ?? 0}; ask who made the image`,
    { details: { digest: blob.digest } },
  );
}
