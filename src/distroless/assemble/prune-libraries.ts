import type { Assembly } from "./assembly.ts";
import type { LinkedTree } from "./elf-files.ts";

/**
 * Cuts libraries that came only as dependencies and that nothing kept loads. What was asked for by name stays, and so does
 * what stands outside of the linker's directories: its program may open it. A package of which nothing but documentation
 * is left goes too.
 * @returns the packages that remain
 */
export function pruneLibraries(
  assembly: Assembly,
  linked: LinkedTree,
  requested: ReadonlySet<string>,
): Assembly["packages"] {
  const { tree, packages } = assembly;
  const kept = reachable(assembly, linked, requested);
  const emptied: string[] = [];
  for (const path of linked.files.keys()) if (!kept.has(path)) tree.remove(path);
  // Links to a library that has gone: libfoo.so.1 to libfoo.so.1.2.3.
  for (const [path, node] of tree.entries())
    if (node.kind === "symlink" && isIn(linked, path) && tree.resolve(path) === undefined) tree.remove(path);
  const remaining = new Map(
    [...packages].filter(([name]) => requested.has(name) || hasContent(assembly, name)),
  );
  for (const [path, node] of tree.entries())
    if (node.owner !== undefined && !remaining.has(node.owner))
      if (node.kind === "directory") emptied.push(path);
      else tree.remove(path);
  for (const path of [...tree.entries()].flatMap(([each, { kind }]) => (kind === "directory" ? [each] : [])))
    if (path.startsWith("usr/")) emptied.push(path);
  tree.removeEmpty(emptied);
  return remaining;
}

function reachable(
  { tree }: Assembly,
  linked: LinkedTree,
  requested: ReadonlySet<string>,
): ReadonlySet<string> {
  const kept = new Set<string>();
  const pending = [...linked.files.keys()].filter((path) => {
    const owner = tree.find(path)?.owner;
    return owner === undefined || requested.has(owner) || !isIn(linked, path);
  });
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (kept.has(path)) continue;
    kept.add(path);
    pending.push(...(linked.links.loads.get(path) ?? []));
  }
  return kept;
}

function isIn({ directories }: LinkedTree, path: string): boolean {
  return directories.has(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
}

function hasContent({ tree, packages }: Assembly, name: string): boolean {
  return (packages.get(name)?.paths ?? []).some((path) => {
    const node = tree.find(path.slice(1));
    return node?.owner === name && node.kind !== "directory" && !path.startsWith("/usr/share/doc/");
  });
}
