import { createHash } from "node:crypto";
import { formatParagraph } from "#debian";
import { type Assembly, controlText, type InstalledPackage, rootOwned } from "./assembly.ts";

/**
 * The packages of an image without dpkg: one file for each, and the digests of those of its files that are there. Scanners
 * read it.
 * @see https://github.com/GoogleContainerTools/distroless/blob/main/PACKAGE_METADATA.md
 */
export function writeStatusDirectory(assembly: Assembly): void {
  const { tree, packages } = assembly;
  const folder = "var/lib/dpkg/status.d";
  tree.directory(folder, rootOwned(assembly, 0o755));
  for (const [name, installed] of packages) {
    tree.file(`${folder}/${name}`, formatParagraph(installed.control), rootOwned(assembly));
    tree.file(`${folder}/${name}.md5sums`, digestsOf(assembly, installed), rootOwned(assembly));
  }
}

/** The package's own list without what was left out; made here for a package that has none, and for what was changed. */
function digestsOf({ tree, changed }: Assembly, installed: InstalledPackage): string {
  const line = (path: string) =>
    `${createHash("md5")
      .update(tree.read(path) ?? "")
      .digest("hex")}  ${path}\n`;
  const listed = controlText(installed, "md5sums");
  if (listed === undefined)
    return installed.paths
      .map((path) => path.slice(1))
      .filter((path) => tree.find(path)?.kind === "file")
      .map(line)
      .join("");
  return listed
    .split("\n")
    .map((text) => ({ text, path: text.slice(34) }))
    .filter(({ path }) => path !== "" && tree.find(path)?.owner === installed.candidate.name)
    .map(({ text, path }) => (changed?.has(tree.resolve(path) ?? "") === true ? line(path) : `${text}\n`))
    .join("");
}
