import type { OnProgress } from "#base";
import { type Descriptor, shortId } from "#oci";

/** The one progress line of a blob: bytes while they move, and a last word. */
export function blobProgress(
  verb: "pull" | "push" | "copy",
  blob: Descriptor,
  onProgress: OnProgress | undefined,
): { bytes(current: number): void; done(word?: string): void } {
  let current = 0;
  const id = `${verb} ${blob.digest}`;
  const label = `${verb} ${shortId(blob.digest)}`;
  return {
    bytes(value) {
      current = value;
      onProgress?.({ id, label, current, total: blob.size, unit: "bytes" });
    },
    done(word) {
      const text = word === undefined ? label : `${label} (${word})`;
      onProgress?.({ id, label: text, current: blob.size, total: blob.size, unit: "bytes", done: true });
    },
  };
}
