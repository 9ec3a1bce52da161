import { familiarReference, type Reference } from "#oci";
import type { RegistryClient } from "#registry";
import type { ImageSource, ImageTarget } from "./endpoints.ts";

/** Blobs that go up at once. */
const widthOfPush = 4;

/** An image in a registry. */
export function registrySource(client: RegistryClient, reference: Reference): ImageSource {
  const { registry, repository } = reference;
  return {
    description: familiarReference(reference),
    getTop: (signal) => client.getManifest(reference, signal === undefined ? {} : { signal }),
    getManifest: async ({ digest }, signal) =>
      (await client.getManifest({ registry, repository, digest }, signal === undefined ? {} : { signal }))
        .bytes,
    readBlob: (blob, options) => client.fetchBlob(reference, blob, options),
    repositoriesOf: () => [`${registry}/${repository}`],
  };
}

/** A name in a registry. The registry verifies what it is sent. */
export function registryTarget(client: RegistryClient, reference: Reference): ImageTarget {
  const { registry, repository } = reference;
  const call = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });
  return {
    description: familiarReference(reference),
    repository: `${registry}/${repository}`,
    width: widthOfPush,
    findTop: (signal) => client.findDescriptor(reference, { ...call(signal), access: "push" }),
    async putBlob(blob, { read, repositories, onBytes, signal }) {
      const outcome = await client.pushBlob(
        reference,
        { descriptor: blob, open: read },
        { ...call(signal), onSent: onBytes, mountFrom: withinRegistry(repositories, registry) },
      );
      return outcome === "uploaded" ? "stored" : outcome;
    },
    async putManifest({ descriptor, bytes }, { isTop, signal }) {
      const name = isTop ? reference : { registry, repository, digest: descriptor.digest };
      await client.pushManifest(name, { mediaType: descriptor.mediaType, bytes }, call(signal));
    },
    finish: () => Promise.resolve(),
  };
}

function withinRegistry(paths: readonly string[], registry: string): readonly string[] {
  return paths.flatMap((path) => (path.startsWith(`${registry}/`) ? [path.slice(registry.length + 1)] : []));
}
