import { LighterError } from "#base";
import { compileIgnore, suggest } from "#dockerfile";
import type { CopyAction } from "#plan";
import { compilePart, hasWildcard, isMalformed, type PatternMatcher } from "../tree/patterns.ts";
import { resolveInTree, resolveParent } from "../tree/resolve.ts";
import { baseName, cleanPath, type Entry, joinPath, parentPath, type Tree } from "../tree/tree.ts";

/** What one source of a COPY takes out of a tree, in the order in which it is copied. */
export interface SelectedSource {
  /** Name that the source gives its copy when the destination is a directory. */
  readonly name: string;
  /** Path in the tree, links followed. */
  readonly path: string;
  readonly entry: Entry;
  /** Empty for anything but a directory. Directories stand before what is in them. */
  readonly items: readonly SelectedItem[];
}

export interface SelectedItem {
  /** Path below the source. */
  readonly path: string;
  readonly entry: Entry;
}

export type Selector = Pick<
  CopyAction,
  "source" | "followSymlinks" | "wildcard" | "includePatterns" | "excludePatterns" | "requiredPaths"
>;

/**
 * Finds what `selector` takes: wildcards are expanded, links in the source's own path followed inside the tree.
 * @throws COPY_SOURCE_NOT_FOUND for a missing literal source or required path
 * @throws DOCKERFILE_INVALID for a pattern that is none
 */
export function select(tree: Tree, selector: Selector): readonly SelectedSource[] {
  const filter = {
    include: compile(selector.includePatterns),
    exclude: compile(selector.excludePatterns),
  };
  const sources = matchingPaths(tree, selector).map((path) => selectSource(tree, path, { selector, filter }));
  for (const path of selector.requiredPaths.map(cleanPath))
    if (!hasPath(sources, belowSource(path, selector))) throw requiredNotFound(path, tree, selector);
  return sources;
}

/** A required path has the literal source before it. */
function belowSource(path: string, { source }: Selector): string {
  const root = cleanPath(source);
  return root === "" ? path : path.slice(root.length + 1);
}

interface Filter {
  readonly include: PatternMatcher | undefined;
  readonly exclude: PatternMatcher | undefined;
}

function compile(patterns: readonly string[]): PatternMatcher | undefined {
  return patterns.length === 0 ? undefined : compileIgnore(patterns);
}

function matchingPaths(tree: Tree, selector: Selector): readonly string[] {
  const path = selector.source.replace(/^\/+/, "");
  if (!selector.wildcard || !hasWildcard(path)) return [cleanPath(path)];
  const parts = cleanPath(path).split("/");
  const malformed = parts.find(isMalformed);
  if (malformed !== undefined)
    throw new LighterError(
      "DOCKERFILE_INVALID",
      `cannot use pattern "${malformed}": syntax error in pattern; write [[] for the character itself`,
    );
  const first = parts.findIndex(hasWildcard);
  const prefix = parts.slice(0, first).join("/");
  const start = selector.followSymlinks ? resolveInTree(tree, prefix, true) : resolveParent(tree, prefix);
  // A pattern may match nothing, but the directory that it names has to be there.
  if (tree.find(start) === undefined) throw sourceNotFound(prefix, tree);
  return expand(tree, start, parts.slice(first).map(compilePart));
}

function expand(tree: Tree, directory: string, parts: readonly RegExp[]): string[] {
  const [pattern, ...rest] = parts;
  if (pattern === undefined) return [directory];
  return tree
    .list(directory)
    .filter((name) => pattern.test(name))
    .flatMap((name) => expand(tree, joinPath(directory, name), rest));
}

function selectSource(
  tree: Tree,
  path: string,
  options: { readonly selector: Selector; readonly filter: Filter },
): SelectedSource {
  const resolved = options.selector.followSymlinks
    ? resolveInTree(tree, path, true)
    : resolveParent(tree, path);
  const entry = tree.find(resolved);
  if (entry === undefined) throw sourceNotFound(path, tree);
  const items: SelectedItem[] = [];
  if (entry.kind === "directory") collect(tree, { root: resolved, below: "" }, { ...options.filter, items });
  return { name: baseName(path), path: resolved, entry, items };
}

interface Collector extends Filter {
  readonly items: SelectedItem[];
}

/** @returns whether anything was taken */
function collect(
  tree: Tree,
  place: { readonly root: string; readonly below: string },
  collector: Collector,
): boolean {
  const { include, exclude, items } = collector;
  let took = false;
  for (const name of tree.list(joinPath(place.root, place.below))) {
    const path = joinPath(place.below, name);
    const isExcluded = exclude?.matches(path) === true;
    if (isExcluded && include === undefined && exclude?.mayContain(path) !== true) continue;
    const entry = tree.find(joinPath(place.root, path));
    if (entry === undefined) continue;
    const isTaken = !isExcluded && (include === undefined || include.matches(path));
    const at = items.length;
    if (isTaken) items.push({ path, entry });
    if (entry.kind === "directory" && !(isExcluded && exclude?.mayContain(path) !== true)) {
      const tookBelow = collect(tree, { root: place.root, below: path }, collector);
      // A directory that no pattern names is copied when something in it is.
      if (tookBelow && !isTaken) items.splice(at, 0, { path, entry });
      took ||= tookBelow;
    }
    took ||= isTaken;
  }
  return took;
}

function hasPath(sources: readonly SelectedSource[], wanted: string): boolean {
  return sources.some((source) =>
    source.items.some(({ path }) => path === wanted || path.startsWith(`${wanted}/`)),
  );
}

/** A source is found through links on its way; what is to keep its parents is not, for a link cannot have anything in it. */
function requiredNotFound(path: string, tree: Tree, selector: Selector): LighterError {
  const below = belowSource(path, selector).split("/");
  const root = resolveInTree(tree, selector.source, true);
  const steps = below.slice(0, -1).map((_, at) => joinPath(root, below.slice(0, at + 1).join("/")));
  const link = steps.find((step) => tree.find(step)?.kind === "symlink");
  if (link === undefined) return sourceNotFound(path, tree);
  return sourceNotFound(
    path,
    tree,
    `"/${link}" is a link, which --parents keeps; name the path that it leads to`,
  );
}

/** BuildKit's words, and what may help. */
function sourceNotFound(path: string, tree: Tree, known?: string): LighterError {
  const reason = known ?? tree.whyAbsent?.(path);
  // Only a context is left out of by an ignore file.
  const place = tree.whyAbsent === undefined ? "the stage or image it is copied from" : "the build context";
  const help = reason ?? similarName(path, tree) ?? `${place} has no such path`;
  return new LighterError("COPY_SOURCE_NOT_FOUND", `"/${path}": not found; ${help}`, {
    details: { path: `/${path}` },
  });
}

function similarName(path: string, tree: Tree): string | undefined {
  const directory = parentPath(path);
  const found = suggest(baseName(path), tree.list(directory));
  return found === undefined ? undefined : `did you mean "/${joinPath(directory, found)}"?`;
}
