import type { Files } from "#host";
import type { Vertex, VertexId } from "#plan";
import type { Snapshotter } from "#snapshot";
import type { PathEntry } from "../context/context-source.ts";
import { type SelectedSource, type Selector, select } from "../copy/selection.ts";
import { createEntryReader } from "../key/entry-sum.ts";
import { sumFiles } from "../key/file-sums.ts";
import {
  findKnownDigest,
  keepDigest,
  type SelectedEntry,
  type SelectionChange,
} from "../key/known-digests.ts";
import { digestSelection } from "../key/selection-digest.ts";
import type { RecordedTimes } from "../times/recorded-times.ts";
import { type TimeOrigin, timesOfContent } from "../times/time-origin.ts";
import { LayeredTree } from "../tree/layered-tree.ts";
import { cleanPath, type Entry, joinPath, type Tree } from "../tree/tree.ts";
import type { FilePool } from "../work/file-pool.ts";
import type { Journal } from "./journal.ts";
import { hashKey, type KeyParts, keyParts, wholeOf } from "./keys.ts";
import type { ContextResult, Result, TreeResult } from "./result.ts";

/** A result, or the identity that the result of a step will get when nothing equal turns up. */
export type KnownResult = Result | { readonly kind: "predicted"; readonly id: string };

/** What is known of the files that a step takes out of a context. */
export interface ContextReading {
  readonly digest: string;
  /** Whether the next build will know what has changed since. */
  readonly isKept: boolean;
  readonly change: SelectionChange | undefined;
}

export interface KeyMakerOptions {
  readonly snapshots: Pick<Snapshotter, "layers">;
  readonly files: Files;
  readonly journal: Pick<Journal, "keyed">;
  readonly recordedTimes: RecordedTimes;
  /** An empty directory: the tree of `scratch`. */
  readonly emptyLayer: string;
  readonly pool: FilePool;
  /** Ends the reading of files. */
  readonly signal: AbortSignal;
}

/** Makes the cache keys of one build's vertices. Contexts are digested once for each vertex that reads them. */
export class KeyMaker {
  readonly #options: KeyMakerOptions;
  readonly #parts = new Map<VertexId, KeyParts>();
  readonly #contextDigests = new Map<string, Promise<string>>();
  /** Digests that were kept from an earlier build, by what reads the context. */
  readonly #trusted = new Map<
    string,
    { readonly input: ContextResult; readonly selectors: readonly Selector[]; readonly digest: string }
  >();
  /** What these have changed since a digest was kept. */
  readonly #changes = new Map<string, SelectionChange>();
  /** Those whose digest is kept for the next build. */
  readonly #kept = new Set<string>();
  readonly #checkoutSeconds = new Map<string, Set<number>>();

  constructor(options: KeyMakerOptions) {
    this.#options = options;
  }

  /** The first key of a vertex: contexts, which have no identity, are there by content. */
  async definitionKey(vertex: Vertex, inputs: readonly KnownResult[]): Promise<string> {
    const parts = this.#partsOf(vertex);
    const isByContent = [...parts.selectors.keys()].every((input) => inputs[input]?.kind === "context");
    const keys = await Promise.all(
      inputs.map(async (input, at) =>
        input.kind === "context"
          ? this.#contextDigest(input, parts.selectors.get(at) ?? [wholeOf("/")], `${vertex.id} ${at}`)
          : input.id,
      ),
    );
    this.#options.journal.keyed(vertex, { op: parts.definition, inputs: keys });
    return isByContent
      ? hashKey("content", parts.content, ...keys)
      : hashKey("definition", parts.definition, ...keys);
  }

  /** The second key: what is read of stages is there by content too. Absent where that would be the first key again. */
  async contentKey(vertex: Vertex, inputs: readonly Result[]): Promise<string | undefined> {
    const parts = this.#partsOf(vertex);
    if (![...parts.selectors.keys()].some((input) => inputs[input]?.kind === "tree")) return undefined;
    const keys = await Promise.all(
      inputs.map(async (input, at) => {
        const selectors = parts.selectors.get(at);
        if (input.kind === "context")
          return this.#contextDigest(input, selectors ?? [wholeOf("/")], `${vertex.id} ${at}`);
        return selectors === undefined ? input.id : this.#treeDigest(input, selectors);
      }),
    );
    return hashKey("content", parts.content, ...keys);
  }

  /** The identity of a whole context as a tree. */
  async wholeContextKey(input: ContextResult): Promise<string> {
    return hashKey("context", await this.#contextDigest(input, [wholeOf("/")], "whole"));
  }

  /** Whether a vertex only reads files of an input, so that their content can stand for it. */
  isOnlyRead(vertex: Vertex, input: number): boolean {
    return this.#partsOf(vertex).selectors.has(input);
  }

  /** What a vertex reads of a context, when its digest is kept for the next build. */
  async reading(vertex: Vertex, input: number): Promise<ContextReading | undefined> {
    const reader = `${vertex.id} ${input}`;
    const digest = await this.#contextDigests.get(reader);
    if (digest === undefined) return undefined;
    return { digest, isKept: this.#kept.has(reader), change: this.#changes.get(reader) };
  }

  /** The times of the checkouts that a vertex reads; `whole`: of all that were keyed whole. */
  checkoutOrigin(reader: VertexId | "whole"): TimeOrigin {
    const seconds = [...this.#checkoutSeconds]
      .filter(([name]) => name === reader || name.startsWith(`${reader} `))
      .flatMap(([, set]) => [...set]);
    const name = this.#options.recordedTimes.put(new Set(seconds));
    return { ...timesOfContent, checkouts: name === undefined ? [] : [name] };
  }

  #partsOf(vertex: Vertex): KeyParts {
    const known = this.#parts.get(vertex.id);
    if (known !== undefined) return known;
    const parts = keyParts(vertex);
    this.#parts.set(vertex.id, parts);
    return parts;
  }

  #contextDigest(input: ContextResult, selectors: readonly Selector[], reader: string): Promise<string> {
    const known = this.#contextDigests.get(reader);
    if (known !== undefined) return known;
    const digest = this.#digestContext(input, selectors, reader);
    this.#contextDigests.set(reader, digest);
    return digest;
  }

  async #digestContext(
    input: ContextResult,
    selectors: readonly Selector[],
    reader: string,
  ): Promise<string> {
    const { source } = input;
    const file = source.digestFile(selectors);
    const known = file === undefined ? undefined : findKnownDigest(file, source);
    if (known !== undefined) {
      const { change } = known;
      const asked = (change?.files.length ?? 0) + (change?.directories.length ?? 0);
      source.trust(known.count - asked, change?.paths);
      if (known.isKept) this.#kept.add(reader);
      if (change !== undefined) this.#changes.set(reader, change);
      this.#checkoutSeconds.set(reader, new Set(known.seconds));
      this.#trusted.set(reader, { input, selectors, digest: known.digest });
      return known.digest;
    }
    const text: Buffer[] | undefined = file === undefined || selectors.length !== 1 ? undefined : [];
    const { selected, digest, seconds } = await readContext(input, selectors, {
      onText: (part) => text?.push(part),
      signal: this.#options.signal,
    });
    this.#checkoutSeconds.set(reader, seconds);
    if (file !== undefined && isLiteral(selected, selectors)) {
      const isKept = keepDigest(file, withPassed(source.tree, selected), {
        digest,
        seconds: [...seconds],
        lookedMs: source.openedMs,
        ...(text !== undefined && { text, source: selected[0]?.path ?? "" }),
      });
      if (isKept) this.#kept.add(reader);
    }
    return digest;
  }

  /**
   * Looks at every file of the contexts that a vertex reads (`whole`: that are taken whole), of which only the digest may be
   * known so far: they are about to be copied.
   * @returns whether they are what the key says
   */
  async confirm(of: VertexId | "whole"): Promise<boolean> {
    let isAsKeyed = true;
    for (const [reader, { input, selectors, digest }] of this.#trusted) {
      if (reader !== of && !reader.startsWith(`${of} `)) continue;
      this.#trusted.delete(reader);
      const now = await readContext(input, selectors, { signal: this.#options.signal });
      isAsKeyed = now.digest === digest && isAsKeyed;
    }
    return isAsKeyed;
  }

  async #treeDigest(input: TreeResult, selectors: readonly Selector[]): Promise<string> {
    const { snapshots, files, emptyLayer, pool, signal } = this.#options;
    const layers = input.snapshot === undefined ? [emptyLayer] : snapshots.layers(input.snapshot);
    const reader = createEntryReader(files);
    const selected = selectAll(new LayeredTree(layers, files), selectors);
    const sums = await sumFiles(
      entriesOf(selected).map(({ entry }) => entry),
      { pool, files, store: emptyLayer, signal },
    );
    return digestSelection(selected, (_path, entry) => reader.sum(entry, sums.get(entry)));
  }
}

async function readContext(
  { source }: ContextResult,
  selectors: readonly Selector[],
  { onText, signal }: { readonly onText?: (text: Buffer) => void; readonly signal: AbortSignal },
): Promise<{
  readonly selected: readonly SelectedSource[];
  readonly digest: string;
  readonly seconds: Set<number>;
}> {
  const selected = selectAll(source.tree, selectors);
  await source.read(entriesOf(selected), signal);
  const seconds = new Set<number>();
  const sumOf = (path: string, entry: Entry): string => {
    seconds.add(Math.floor(entry.mtimeMs / 1000));
    return source.sumOf(path, entry);
  };
  const digest = digestSelection(selected, sumOf, onText);
  return { selected, digest, seconds };
}

/** Whether no link stands on the way to a source: what it leads to would have to be looked at as well. */
function isLiteral(selected: readonly SelectedSource[], selectors: readonly Selector[]): boolean {
  return (
    selected.length === selectors.length &&
    selected.every(({ path }, at) => path === cleanPath(selectors[at]?.source ?? ""))
  );
}

/** The entries, and the directories that lead to them. */
function withPassed(tree: Tree, selected: readonly SelectedSource[]): readonly SelectedEntry[] {
  const passed = new Set(selected.flatMap(({ path }) => (path === "" ? [] : pathsAbove(path))));
  const above = [...passed].flatMap((path): SelectedEntry[] => {
    const entry = tree.find(path);
    return entry === undefined ? [] : [{ path, entry, isPassed: true }];
  });
  return [...above, ...entriesOf(selected)];
}

function pathsAbove(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.map((_part, at) => parts.slice(0, at).join("/"));
}

function entriesOf(sources: readonly SelectedSource[]): readonly PathEntry[] {
  return sources.flatMap(({ path: root, entry, items }) => [
    { path: root, entry },
    ...items.map((item) => ({ path: joinPath(root, item.path), entry: item.entry })),
  ]);
}

function selectAll(tree: Tree, selectors: readonly Selector[]): readonly SelectedSource[] {
  return selectors.flatMap((selector) => select(tree, selector));
}
