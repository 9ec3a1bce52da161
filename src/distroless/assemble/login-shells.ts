import { type Assembly, rootOwned } from "./assembly.ts";

/** /etc/shells, from debianutils' own list and the shells that packages declare, as update-shells writes it. */
export function writeLoginShells(assembly: Assembly): void {
  const { tree } = assembly;
  const base = tree.read("usr/share/debianutils/shells")?.toString("utf8");
  if (base === undefined) return;
  const folder = "usr/share/debianutils/shells.d/";
  const declared = [...tree.entries()]
    .filter(([path, node]) => path.startsWith(folder) && node.kind === "file")
    .map(([path]) => path)
    .sort()
    .flatMap((path) => (tree.read(path)?.toString("utf8") ?? "").split("\n"))
    .filter((line) => line.startsWith("/"));
  const shells = declared.flatMap((shell) => (shell.startsWith("/usr/") ? [shell] : [shell, `/usr${shell}`]));
  const listed = new Set(base.split("\n"));
  const added = [...new Set(shells)].filter(
    (shell) => !listed.has(shell) && tree.resolve(shell) !== undefined,
  );
  tree.file("etc/shells", base + added.map((shell) => `${shell}\n`).join(""), rootOwned(assembly));
  tree.file(
    "var/lib/shells.state",
    [...new Set(shells)].map((shell) => `${shell}\n`).join(""),
    rootOwned(assembly),
  );
}
