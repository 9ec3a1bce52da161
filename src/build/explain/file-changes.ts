import type { ContextSource } from "../context/context-source.ts";
import { type Selector, select } from "../copy/selection.ts";
import { StatIndex } from "../key/stat-index.ts";
import { compilePart, hasWildcard } from "../tree/patterns.ts";
import { cleanPath, joinPath } from "../tree/tree.ts";
import type { FileChange } from "./miss.ts";

/**
 * What is different in the files that a step takes of a context, against the index that was kept when it last ran.
 * Undefined when none was.
 */
export function fileChanges(
  source: ContextSource,
  selectors: readonly Selector[],
  indexFile: string,
): readonly FileChange[] | undefined {
  const before = StatIndex.open(indexFile);
  const sums = before.sums();
  if (sums.size === 0) return undefined;
  const changes: FileChange[] = [];
  const taken = new Set<string>();
  for (const { path: root, entry, items } of selectors.flatMap((selector) => select(source.tree, selector)))
    for (const item of [{ path: "", entry }, ...items]) {
      const path = joinPath(root, item.path);
      taken.add(path);
      const now = source.findSum(path);
      const then = sums.get(path);
      if (then === undefined) changes.push({ path, change: "new" });
      else if (now !== undefined && now !== then) changes.push({ path, change: "changed" });
      else if (item.entry.kind !== "directory" && before.find(path, item.entry) === undefined)
        changes.push({ path, change: "attributes" });
    }
  for (const path of sums.keys())
    if (!taken.has(path) && selectors.some((selector) => takes(selector, path)))
      changes.push({ path, change: "removed" });
  return certain(changes);
}

/** A file that was only touched has a new time and is no reason: it is named when nothing else is. */
function certain(changes: readonly FileChange[]): readonly FileChange[] {
  const sure = changes.filter(({ change }) => change !== "attributes");
  return sure.length > 0 ? sure : changes;
}

/** Whether a selector would have taken a path that is gone. */
export function takes(selector: Selector, path: string): boolean {
  const source = cleanPath(selector.source);
  if (source === "") return true;
  const wanted = source.split("/");
  const parts = path.split("/");
  if (parts.length < wanted.length) return false;
  return wanted.every((part, at) =>
    selector.wildcard && hasWildcard(part) ? compilePart(part).test(parts[at] ?? "") : part === parts[at],
  );
}
