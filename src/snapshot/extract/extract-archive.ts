import { Extraction } from "./extraction.ts";
import type { ExtractOptions, ExtractSummary } from "./options.ts";

/**
 * Lays an uncompressed tar archive out below `options.root`. See {@link Extraction} for what hostile archives meet.
 * @throws ARCHIVE_INVALID, ARCHIVE_HOSTILE, STORE_FULL, PRIVILEGE_MISSING; the root is then half filled
 */
export async function extractArchive(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: ExtractOptions,
): Promise<ExtractSummary> {
  using extraction = new Extraction(options);
  for await (const chunk of chunks) extraction.write(chunk);
  return extraction.finish();
}
