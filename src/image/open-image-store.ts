import type { ContentStore } from "#content";
import type { Host } from "#host";
import type { Snapshotter } from "#snapshot";
import { DirectoryImageStore } from "./directory-image-store.ts";
import type { ImageStore, Roots } from "./image-store.ts";

/** The stores that images stand on. */
export interface ImageStoreOptions {
  /** The same root that `content` and `snapshots` have. */
  readonly root: string;
  readonly content: ContentStore;
  readonly snapshots: Snapshotter;
  readonly host: Pick<Host, "files" | "locks" | "codecs">;
  /** Asked before anything is collected. @defaultValue nothing but images keeps blobs and snapshots */
  readonly roots?: () => Roots;
}

/** Opens the images of the store. @throws STORE_UNUSABLE, STORE_FULL */
export function openImageStore(options: ImageStoreOptions): ImageStore {
  return new DirectoryImageStore(options);
}
