import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diskError, LighterError, systemErrorCode } from "#base";
import type { Host } from "#host";
import {
  type Descriptor,
  type Digest,
  familiarReference,
  formatReference,
  type Index,
  mediaTypes,
  parseReference,
} from "#oci";
import type { Origin } from "./image-store.ts";
import { lockNow } from "./lock-now.ts";

/** The short name, by which `skopeo inspect oci:<root>:<name>` finds it. */
const refNameAnnotation = "org.opencontainers.image.ref.name";
/** The full name, as containerd and docker write it. */
const fullNameAnnotation = "io.containerd.image.name";
const originAnnotation = "dev.lighter.origin";

/** One row of the store's index.json: a manifest and a name for it. An image with no name has one row without. */
export interface IndexEntry {
  readonly target: Descriptor;
  readonly name: string | undefined;
  readonly origin: Origin | undefined;
}

/**
 * The named images of the OCI layout, in index.json. It is replaced as a whole under a lock, so a reader needs none.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#indexjson-file
 */
export class ImageIndex {
  readonly #path: string;
  readonly #lockPath: string;
  readonly #host: Pick<Host, "files" | "locks">;
  readonly #root: string;

  constructor(root: string, host: Pick<Host, "files" | "locks">) {
    this.#root = root;
    this.#path = join(root, "index.json");
    this.#lockPath = join(root, "index.lock");
    this.#host = host;
  }

  /** @throws STORE_CORRUPT */
  read(): readonly IndexEntry[] {
    return parseIndex(this.#path, readText(this.#path)).map(toEntry);
  }

  /** Makes the file when it is absent: without it the root is no image layout. */
  ensure(): void {
    if (readText(this.#path) === undefined) this.update((entries) => entries);
  }

  /** Replaces the entries by what `change` makes of them. Atomic; nothing is written when it throws or changes nothing. */
  update(change: (entries: readonly IndexEntry[]) => readonly IndexEntry[]): void {
    using _lock = lockNow(this.#host.locks, this.#lockPath);
    const text = readText(this.#path);
    const entries = parseIndex(this.#path, text).map(toEntry);
    const changed = formatIndex(change(entries));
    if (changed !== text) this.#write(changed);
  }

  #write(text: string): void {
    const temporary = `${this.#path}.new`;
    try {
      writeSynced(temporary, text);
      renameSync(temporary, this.#path);
      this.#host.files.sync(this.#root);
    } catch (error) {
      throw diskError(error, { verb: "write the image index", object: this.#path });
    }
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw diskError(error, { verb: "read the image index", object: path });
  }
}

function formatIndex(entries: readonly IndexEntry[]): string {
  const index: Index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: entries.map(toDescriptor),
  };
  return `${JSON.stringify(index, undefined, 2)}\n`;
}

function parseIndex(path: string, text: string | undefined): readonly Descriptor[] {
  if (text === undefined) return [];
  try {
    const index: unknown = JSON.parse(text);
    if (typeof index === "object" && index !== null && "manifests" in index && Array.isArray(index.manifests))
      return index.manifests as readonly Descriptor[];
  } catch {
    // The error below says it.
  }
  throw new LighterError(
    "STORE_CORRUPT",
    `cannot read the image index "${path}": it is no OCI index; repair it, or remove it to forget all image names`,
  );
}

function toEntry(descriptor: Descriptor): IndexEntry {
  const { annotations = {}, ...target } = descriptor;
  return {
    target,
    name: nameOf(annotations),
    origin: parseOrigin(annotations[originAnnotation]),
  };
}

/** The full name; an index that another tool wrote may have the short one only. */
export function nameOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const short = annotations[refNameAnnotation];
  // A reference name without separator is a tag (umoci, buildx), which names no image.
  const text =
    annotations[fullNameAnnotation] ?? (short !== undefined && /[:/@]/.test(short) ? short : undefined);
  try {
    return text === undefined ? undefined : formatReference(parseReference(text));
  } catch {
    return undefined;
  }
}

/** Annotations under which other tools find an image in a layout of many. */
export function nameAnnotations(name: string): Readonly<Record<string, string>> {
  return { [refNameAnnotation]: familiarReference(parseReference(name)), [fullNameAnnotation]: name };
}

/** The same in a layout that a build wrote: by the tag alone, as BuildKit has it. */
export function tagAnnotations(name: string): Readonly<Record<string, string>> {
  const { tag } = parseReference(name);
  return { ...(tag !== undefined && { [refNameAnnotation]: tag }), [fullNameAnnotation]: name };
}

function toDescriptor({ target, name, origin }: IndexEntry): Descriptor {
  const annotations = {
    ...(name !== undefined && nameAnnotations(name)),
    ...(origin !== undefined && { [originAnnotation]: JSON.stringify(origin) }),
  };
  return Object.keys(annotations).length === 0 ? target : { ...target, annotations };
}

function parseOrigin(text: string | undefined): Origin | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Origin;
  } catch {
    return undefined;
  }
}

/** Entries without this name. An image that loses its last name keeps a row without one. */
export function withoutName(entries: readonly IndexEntry[], name: string): readonly IndexEntry[] {
  const isLast = (digest: Digest): boolean =>
    entries.filter((entry) => entry.target.digest === digest && entry.name !== name).length === 0;
  return entries.flatMap((entry) => {
    if (entry.name !== name) return [entry];
    return isLast(entry.target.digest) ? [{ ...entry, name: undefined }] : [];
  });
}

function writeSynced(path: string, text: string): void {
  const fd = openSync(path, "w", 0o644);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
