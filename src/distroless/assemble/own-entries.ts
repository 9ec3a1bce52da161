import { LighterError } from "#base";
import type { RecipeDefinition } from "../recipe-definition.ts";
import { type Assembly, rootOwned } from "./assembly.ts";

/** What the recipe itself puts into the tree: directories, links and files. */
export function writeOwnEntries(assembly: Assembly, definition: RecipeDefinition): void {
  const { tree, epochSeconds, architecture } = assembly;
  const { directories = [], links = [], files = [] } = definition;
  for (const { path, mode, uid = 0, gid = uid } of directories)
    tree.directory(path, { ...rootOwned(assembly, mode), uid, gid });
  for (const { path } of [...files, ...links])
    if (tree.find(path)?.kind === "directory")
      throw new LighterError(
        "RECIPE_INVALID",
        `cannot add "/${path}" of the recipe: a directory stands there`,
      );
  for (const { path, target } of links)
    tree.symlink(path, target.replaceAll("{architecture}", architecture), {
      uid: 0,
      gid: 0,
      mtimeSeconds: epochSeconds,
    });
  for (const { path, text, source, mode = 0o644, uid = 0, gid = uid } of files)
    tree.file(path, source?.bytes ?? text ?? "", { ...rootOwned(assembly, mode), uid, gid });
}
