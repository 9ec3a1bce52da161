import type { OnProgress } from "#base";
import type { ContentStore } from "#content";
import { copyImage, type ImageSource, registryTarget } from "#image";
import { type Descriptor, familiarReference, type Reference } from "#oci";
import type { RegistryClient } from "#registry";

/** Sends a manifest or an index of the content store, and all it leads to, to a registry. */
export async function pushTarget(
  target: Descriptor,
  reference: Reference,
  options: {
    readonly content: ContentStore;
    readonly client: RegistryClient;
    readonly onProgress: OnProgress;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { content, client, onProgress, signal } = options;
  const source = contentSource(content, target, familiarReference(reference));
  await copyImage(source, registryTarget(client, reference), {
    platform: "all",
    verb: "push",
    onProgress,
    ...(signal !== undefined && { signal }),
  });
}

/** What the content store holds, as a place to copy from. */
export function contentSource(content: ContentStore, target: Descriptor, description: string): ImageSource {
  return {
    description,
    getTop: async () => ({ descriptor: target, bytes: content.read(target.digest, { limitBytes }) }),
    getManifest: async ({ digest }) => content.read(digest, { limitBytes }),
    readBlob: ({ digest }, { offsetBytes }) => content.open(digest, { offsetBytes }) as AsyncIterable<Buffer>,
    repositoriesOf: () => [],
  };
}

const limitBytes = 64 << 20;
