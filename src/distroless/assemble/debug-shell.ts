import { LighterError } from "#base";
import { type Assembly, rootOwned } from "./assembly.ts";

/** Where debug images have their shell: out of the way of everything that is looked for by path. */
export const debugDirectory = "busybox";

/** Moves Debian's static busybox to a directory and gives it a link for each of its tools. */
export function writeApplets(assembly: Assembly, directory: string): void {
  const { tree, packages, epochSeconds } = assembly;
  const installed = packages.get("busybox-static");
  const path = ["usr/bin/busybox", "bin/busybox"].find((each) => tree.resolve(each) !== undefined);
  const program = path === undefined ? undefined : tree.read(path);
  if (installed === undefined || path === undefined || program === undefined)
    throw new LighterError("RECIPE_INVALID", 'cannot add a shell: package "busybox-static" has no busybox');
  const applets = listApplets(program);
  if (applets.length === 0)
    throw new LighterError("RECIPE_INVALID", "cannot add a shell: the list of busybox's tools is not found");
  for (const each of installed.paths) {
    const node = tree.find(each.slice(1));
    // Not what is only on the way to its files: /bin is a link of the tree.
    if (node?.owner === "busybox-static" && node.kind !== "directory") tree.remove(each.slice(1));
  }
  const copyright = "usr/share/doc/busybox-static";
  tree.removeEmpty([copyright]);
  tree.file(`${directory}/busybox`, program, rootOwned(assembly, 0o755), "busybox-static");
  for (const name of applets.filter((each) => each !== "busybox"))
    tree.symlink(`${directory}/${name}`, "busybox", { uid: 0, gid: 0, mtimeSeconds: epochSeconds });
}

/** The tools that a busybox holds: their names stand in it, sorted, one after the other; none when the list cannot be found. */
export function listApplets(program: Buffer): readonly string[] {
  for (let at = program.indexOf("[\0[[\0"); at >= 0; at = program.indexOf("[\0[[\0", at + 1)) {
    const names = readNames(program, at);
    if (names.includes("sh")) return names;
  }
  return [];
}

function readNames(program: Buffer, start: number): readonly string[] {
  const names: string[] = [];
  for (let at = start; at < program.length; ) {
    const end = program.indexOf(0, at);
    const name = program.toString("latin1", at, end);
    if (end < 0 || !/^[a-z0-9[_.-]{1,32}$/.test(name)) break;
    names.push(name);
    at = end + 1;
  }
  return names;
}
