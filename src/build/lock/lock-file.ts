import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { errorMessage, isLighterError, LighterError } from "#base";
import { formatPlatform, formatReference, isDigest, type Reference } from "#oci";
import type { Graph, Vertex, VertexId } from "#plan";
import type { Base, BaseSource } from "../ports.ts";

/** What names led to when the file was written. */
interface LockDocument {
  readonly version: 1;
  /** `docker.io/library/golang:1.19 linux/amd64` to the digest of a manifest. */
  readonly bases: Readonly<Record<string, string>>;
  /** Address to the digest of the file. */
  readonly files: Readonly<Record<string, string>>;
  /** `remote#ref` to a commit. */
  readonly repositories: Readonly<Record<string, string>>;
}

type Section = "bases" | "files" | "repositories";

/**
 * The lock of a build: what it says is held to, what it does not say is added, what the build no longer names stays. Two
 * machines with one lock build from the same bytes or fail.
 */
export class LockFile {
  readonly #path: string;
  readonly #known: Readonly<Record<Section, ReadonlyMap<string, string>>>;
  readonly #added: Record<Section, Map<string, string>> = {
    bases: new Map(),
    files: new Map(),
    repositories: new Map(),
  };

  /** @throws ARGUMENT_INVALID when the file is no lock */
  constructor(path: string) {
    this.#path = path;
    const document = readLock(path);
    this.#known = {
      bases: new Map(Object.entries(document.bases)),
      files: new Map(Object.entries(document.files)),
      repositories: new Map(Object.entries(document.repositories)),
    };
  }

  /** Bases as the file has them. */
  baseSource(bases: BaseSource): BaseSource {
    return {
      find: (reference, platform) => bases.find(reference, platform),
      describeSources: () => bases.describeSources(),
      resolve: async (reference, options) => {
        const key = `${formatReference(reference)} ${formatPlatform(options.platform)}`;
        const locked = this.#known.bases.get(key);
        const base = await bases.resolve(reference, options);
        if (locked === undefined || base?.digest === locked) {
          if (base !== undefined) this.#added.bases.set(key, base.digest);
          return base;
        }
        return await this.#pinned(reference, locked, { bases, options, found: base });
      },
    };
  }

  /** The name moved on: what it led to then may still be had by its digest. */
  async #pinned(
    reference: Reference,
    locked: string,
    from: {
      readonly bases: BaseSource;
      readonly options: Parameters<BaseSource["resolve"]>[1];
      readonly found: Base | undefined;
    },
  ): Promise<Base> {
    const pinned = isDigest(locked)
      ? await from.bases.resolve({ ...reference, digest: locked }, from.options)
      : undefined;
    if (pinned?.digest === locked) return pinned;
    const state = from.found === undefined ? "no source has it" : `it is ${from.found.digest} now`;
    throw this.#mismatch(formatReference(reference), { locked, state });
  }

  #mismatch(
    name: string,
    { locked, state }: { readonly locked: string; readonly state: string },
  ): LighterError {
    return new LighterError(
      "LOCK_MISMATCH",
      `cannot build from "${name}": ${this.#path} holds it to ${locked}, and ${state}; take its line out of the file to accept that`,
      { details: { name, locked, lockFile: this.#path } },
    );
  }

  /** Steps that fetch something, held to what the file says. Ids stay: with the same content the same results match. */
  pinned(graph: Graph): Graph {
    const vertices = new Map<VertexId, Vertex>();
    for (const [id, vertex] of graph.vertices) vertices.set(id, this.pinnedVertex(vertex));
    return { vertices };
  }

  /** One such step. */
  pinnedVertex(vertex: Vertex): Vertex {
    const { op } = vertex;
    const [section, key] = placeOf(vertex) ?? [];
    const locked = section === undefined || key === undefined ? undefined : this.#known[section].get(key);
    if (locked === undefined) return vertex;
    if (op.kind === "http" && isDigest(locked)) return { ...vertex, op: { ...op, checksum: locked } };
    return op.kind === "git" ? { ...vertex, op: { ...op, checksum: locked } } : vertex;
  }

  /** Notes what a step fetched. */
  note(vertex: Vertex, resolved: string): void {
    const [section, key] = placeOf(vertex) ?? [];
    if (section !== undefined && key !== undefined) this.#added[section].set(key, resolved);
  }

  /** The failure of a step that fetched something else than the file says, in words of the file. */
  explain(vertex: Vertex | undefined, error: unknown): unknown {
    const [section, key] = (vertex === undefined ? undefined : placeOf(vertex)) ?? [];
    const locked = section === undefined || key === undefined ? undefined : this.#known[section].get(key);
    if (key === undefined || locked === undefined || !isLighterError(error, "DIGEST_MISMATCH")) return error;
    return this.#mismatch(key, { locked, state: `it is something else now (${error.message})` });
  }

  /** Writes the file when something is new, whole or not at all. */
  save(): void {
    const document: LockDocument = {
      version: 1,
      bases: this.#merged("bases"),
      files: this.#merged("files"),
      repositories: this.#merged("repositories"),
    };
    const text = `${JSON.stringify(document, undefined, 2)}\n`;
    if (existsSync(this.#path) && readFileSync(this.#path, "utf8") === text) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    const partial = `${this.#path}.${process.pid}.partial`;
    writeFileSync(partial, text);
    renameSync(partial, this.#path);
  }

  #merged(section: Section): Readonly<Record<string, string>> {
    const all = [...this.#added[section], ...this.#known[section]];
    return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Where a step stands in the file; a checksum of its own needs no line. */
function placeOf({ op }: Vertex): readonly [Section, string] | undefined {
  if (op.kind === "http") return ["files", op.url];
  return op.kind === "git" ? ["repositories", `${op.remote}#${op.ref ?? "HEAD"}`] : undefined;
}

function readLock(path: string): LockDocument {
  if (!existsSync(path)) return { version: 1, bases: {}, files: {}, repositories: {} };
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (isLock(value)) return value;
  } catch (error) {
    throw notALock(path, errorMessage(error));
  }
  throw notALock(path, "it is not of this version's form");
}

function isLock(value: unknown): value is LockDocument {
  if (typeof value !== "object" || value === null || !("version" in value) || value.version !== 1)
    return false;
  return (["bases", "files", "repositories"] as const).every((section) => {
    const lines: unknown = section in value ? (value as Record<string, unknown>)[section] : undefined;
    return (
      typeof lines === "object" &&
      lines !== null &&
      Object.values(lines).every((line: unknown) => typeof line === "string")
    );
  });
}

function notALock(path: string, state: string): LighterError {
  return new LighterError("ARGUMENT_INVALID", `cannot use "${path}" as a lock file: ${state}`);
}
