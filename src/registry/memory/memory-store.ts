import { type Digest, digestOf } from "#oci";

export interface MemoryManifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** What one repository holds besides blobs, which all share. */
export interface MemoryRepository {
  readonly tags: Map<string, Digest>;
  readonly manifests: Map<Digest, MemoryManifest>;
  /** Blobs that were uploaded or mounted here. */
  readonly blobs: Set<Digest>;
}

/** Everything a memory registry holds. */
export class MemoryStore {
  readonly blobs = new Map<Digest, Buffer>();
  readonly uploads = new Map<string, Buffer[]>();
  readonly #repositories = new Map<string, MemoryRepository>();

  findRepository(name: string): MemoryRepository | undefined {
    return this.#repositories.get(name);
  }

  getRepository(name: string): MemoryRepository {
    const known = this.#repositories.get(name);
    if (known !== undefined) return known;
    const made: MemoryRepository = { tags: new Map(), manifests: new Map(), blobs: new Set() };
    this.#repositories.set(name, made);
    return made;
  }

  findBlob(repository: string, digest: string): Buffer | undefined {
    const key = digest as Digest;
    return this.findRepository(repository)?.blobs.has(key) === true ? this.blobs.get(key) : undefined;
  }

  addBlob(repository: string, bytes: Buffer): Digest {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    this.getRepository(repository).blobs.add(digest);
    return digest;
  }

  findManifest(repository: string, name: string): (MemoryManifest & { readonly digest: Digest }) | undefined {
    const found = this.findRepository(repository);
    const digest = name.startsWith("sha256:") ? (name as Digest) : found?.tags.get(name);
    const manifest = digest === undefined ? undefined : found?.manifests.get(digest);
    return manifest === undefined || digest === undefined ? undefined : { ...manifest, digest };
  }
}
