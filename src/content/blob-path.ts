import { join } from "node:path";
import { type Digest, encoded } from "#oci";

/** Where the parts of the store lie below its root. @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md */
export interface ContentPaths {
  readonly root: string;
  readonly blobs: string;
  readonly ingest: string;
  /** Blobs whose bytes turned out wrong, kept for a look. */
  readonly corrupt: string;
}

export function contentPaths(root: string): ContentPaths {
  return {
    root,
    blobs: join(root, "blobs", "sha256"),
    ingest: join(root, "ingest"),
    corrupt: join(root, "corrupt"),
  };
}

export function blobPath(paths: ContentPaths, digest: Digest): string {
  return `${paths.blobs}/${encoded(digest)}`;
}
