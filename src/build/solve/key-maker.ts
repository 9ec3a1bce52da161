import type { Files } from "#host";
import type { Vertex, VertexId } from "#plan";
import type { Snapshotter } from "#snapshot";
import type { PathEntry } from "../context/context-source.ts";
import { type SelectedSource, type Selector, select } from "../copy/selection.ts";
import { createEntryReader } from "../key/entry-sum.ts";
import { sumFiles } from "../key/file-sums.ts";
import { digestSelection } from "../key/selection-digest.ts";
import type { CheckoutTimes } from "../times/checkout-times.ts";
import { type TimeOrigin, timesOfContent } from "../times/time-origin.ts";
import { LayeredTree } from "../tree/layered-tree.ts";
import { joinPath, type Tree } from "../tree/tree.ts";
import type { FilePool } from "../work/file-pool.ts";
import type { Journal } from "./journal.ts";
import { hashKey, type KeyParts, keyParts, wholeOf } from "./keys.ts";
import type { ContextResult, Result, TreeResult } from "./result.ts";

/** A result, or the identity that the result of a step will get when nothing equal turns up. */
export type KnownResult = Result | { readonly kind: "predicted"; readonly id: string };

export interface KeyMakerOptions {
  readonly snapshots: Pick<Snapshotter, "layers">;
  readonly files: Files;
  readonly journal: Pick<Journal, "keyed">;
  readonly checkoutTimes: CheckoutTimes;
  /** An empty directory: the tree of `scratch`. */
  readonly emptyLayer: string;
  readonly pool: FilePool;
}

/** Makes the cache keys of one build's vertices. Contexts are digested once for each vertex that reads them. */
export class KeyMaker {
  readonly #options: KeyMakerOptions;
  readonly #parts = new Map<VertexId, KeyParts>();
  readonly #contextDigests = new Map<string, Promise<string>>();
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

  /** The times of the checkouts that a vertex reads; `whole`: of all that were keyed whole. */
  checkoutOrigin(reader: VertexId | "whole"): TimeOrigin {
    const seconds = [...this.#checkoutSeconds]
      .filter(([name]) => name === reader || name.startsWith(`${reader} `))
      .flatMap(([, set]) => [...set]);
    const name = this.#options.checkoutTimes.put(new Set(seconds));
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
    { source }: ContextResult,
    selectors: readonly Selector[],
    reader: string,
  ): Promise<string> {
    const selected = selectAll(source.tree, selectors);
    await source.read(entriesOf(selected));
    const seconds = new Set<number>();
    const digest = digestSelection(selected, (path, entry) => {
      seconds.add(Math.floor(entry.mtimeMs / 1000));
      return source.sumOf(path, entry);
    });
    this.#checkoutSeconds.set(reader, seconds);
    return digest;
  }

  async #treeDigest(input: TreeResult, selectors: readonly Selector[]): Promise<string> {
    const { snapshots, files, emptyLayer, pool } = this.#options;
    const layers = input.snapshot === undefined ? [emptyLayer] : snapshots.layers(input.snapshot);
    const reader = createEntryReader(files);
    const selected = selectAll(new LayeredTree(layers, files), selectors);
    const sums = await sumFiles(
      entriesOf(selected).map(({ entry }) => entry),
      pool,
    );
    return digestSelection(selected, (_path, entry) => reader.sum(entry, sums.get(entry)));
  }
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
