import { closeSync, constants, lstatSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { stripSymbols } from "#elf";
import { type Assembly, type InstalledPackage, rootOwned } from "../assemble/assembly.ts";

/** A Java that jlink made, in a directory of its own. */
export interface LinkedJava {
  readonly directory: string;
  /** The development kit that its parts are of; `paths` is filled in here. */
  readonly kit: InstalledPackage;
}

/** Where it stands, and where every Debian Java looks for authorities. */
const home = "usr/lib/jvm/jre";
const authorities = "etc/ssl/certs/java/cacerts";

/** What no running program reads, and what only draws on a screen: an image has none, and X11's libraries with it. */
const dropped =
  /^(?:legal|man|include|jmods)(?:\/|$)|\.debuginfo$|^lib\/(?:src\.zip|lib(?:awt_xawt|jawt|splashscreen)\.so)$/;

/**
 * Puts a linked Java into the tree, as files of the package that its parts are of; native code loses its symbol tables.
 * @param isExcluded whether a path of the tree is to be left out
 */
export function placeJava(
  assembly: Assembly,
  { directory, kit }: LinkedJava,
  isExcluded: (path: string) => boolean,
): Assembly {
  const { tree } = assembly;
  const owner = kit.candidate.name;
  const paths: string[] = [];
  const visit = (folder: string): void => {
    for (const name of readdirSync(`${directory}/${folder}`).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (!dropped.test(path) && !isExcluded(`${home}/${path}`)) place(path);
    }
  };
  const place = (path: string): void => {
    const stats = lstatSync(`${directory}/${path}`);
    const target = `${home}/${path}`;
    const attributes = rootOwned(assembly, stats.mode & 0o111 ? 0o755 : 0o644);
    if (stats.isDirectory()) {
      tree.directory(target, rootOwned(assembly, 0o755), owner);
      visit(path);
    } else if (stats.isSymbolicLink()) {
      tree.symlink(target, readlinkSync(`${directory}/${path}`), attributes, owner);
    } else if (stats.isFile()) {
      const bytes = readPlain(`${directory}/${path}`);
      tree.file(target, stripSymbols(bytes) ?? bytes, attributes, owner);
    }
    paths.push(`/${target}`);
  };
  tree.directory(home, rootOwned(assembly, 0o755), owner);
  visit("");
  const link = { uid: 0, gid: 0, mtimeSeconds: assembly.epochSeconds };
  tree.symlink("usr/bin/java", "../lib/jvm/jre/bin/java", link, owner);
  if (assembly.packages.has("ca-certificates"))
    tree.symlink(`${home}/lib/security/cacerts`, `/${authorities}`, link, owner);
  const packages = new Map([...assembly.packages, [owner, { ...kit, paths: [...paths, "/usr/bin/java"] }]]);
  return { ...assembly, packages };
}

function readPlain(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
