import { type CopyRequest, commonParts } from "./copy-request.ts";
import type { CopyAction } from "./graph.ts";
import { rootedPath } from "./paths.ts";

/**
 * A path of a context or stage. With `--parents` it is a pattern below its pivot `/./`, else below the root; the pivot itself
 * (`.`) stands for all that is below it.
 */
export function localCopy(request: CopyRequest, source: string, from: Pick<CopyAction, "input">): CopyAction {
  const { instruction } = request;
  const isAdd = instruction.kind === "ADD";
  const withParents = instruction.kind === "COPY" && instruction.parents;
  const { root, pattern } = withParents ? splitPivot(source) : { root: source, pattern: "" };
  return Object.freeze({
    ...commonParts(request),
    ...from,
    source: rootedPath(root),
    followSymlinks: true,
    contentsOnly: true,
    unpack: isAdd && (instruction.unpack ?? true),
    wildcard: true,
    includePatterns: pattern === "" ? [] : [pattern],
    requiredPaths:
      pattern === "" || hasWildcards(`${root}/${pattern}`) ? [] : [rootedPath(`${root}/${pattern}`)],
  });
}

function splitPivot(source: string): { readonly root: string; readonly pattern: string } {
  const pivot = source.indexOf("/./");
  const pattern = pivot < 0 ? source : source.slice(pivot + 3);
  return { root: pivot < 0 ? "/" : source.slice(0, pivot), pattern: rootedPath(pattern).slice(1) };
}

function hasWildcards(path: string): boolean {
  return /[*?[]/.test(path.replace(/\\./gs, ""));
}
