import { isElf, stripSymbols } from "#elf";
import type { Assembly } from "./assembly.ts";
import { holdsOnlyData } from "./elf-files.ts";

/** Takes symbol tables out of programs and libraries; Debian's own have none, but those of which profilers make use. */
export function cutSymbols(assembly: Assembly): Assembly {
  const { tree } = assembly;
  const changed = new Set(assembly.changed);
  const files = [...tree.entries()].filter(([path, { kind }]) => kind === "file" && !holdsOnlyData(path));
  for (const [path] of files) {
    if (!isElf(tree.readHead(path, 4))) continue;
    const bytes = tree.read(path);
    const stripped = bytes && stripSymbols(bytes);
    if (stripped === undefined) continue;
    tree.rewrite(path, stripped);
    changed.add(path);
  }
  return { ...assembly, changed };
}
