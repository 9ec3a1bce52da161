import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from "node:fs";
import { LighterError } from "#base";
import { stripSymbols } from "#elf";
import type { Files } from "#host";
import { type Assembly, type InstalledPackage, rootOwned } from "../assemble/assembly.ts";

/** A Java that jlink made. */
export interface LinkedJava {
  /** The tree in which jlink ran, as far as it was written to, and the Java's directory in it. */
  readonly root: string;
  readonly path: string;
  readonly files: Files;
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
 * Puts a linked Java into the tree, as files of the package that its parts are of; native code loses its symbol tables. What
 * jlink has read may be hostile, and so its directory: no link in it leads out of the tree in which it ran.
 * @param isExcluded whether a path of the tree is to be left out
 * @throws RECIPE_INVALID when there is no Java
 */
export function placeJava(
  assembly: Assembly,
  java: LinkedJava,
  isExcluded: (path: string) => boolean,
): Assembly {
  const { tree } = assembly;
  const { kit } = java;
  const owner = kit.candidate.name;
  const paths: string[] = [];
  const visit = (folder: string): void => {
    using directory = openDirectory(java, folder);
    for (const name of readdirSync(directory.path).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (!dropped.test(path) && !isExcluded(`${home}/${path}`)) place(path, `${directory.path}/${name}`);
    }
  };
  const place = (path: string, source: string): void => {
    const stats = lstatSync(source);
    const target = `${home}/${path}`;
    const attributes = rootOwned(assembly, stats.mode & 0o111 ? 0o755 : 0o644);
    if (stats.isDirectory()) {
      tree.directory(target, rootOwned(assembly, 0o755), owner);
      visit(path);
    } else if (stats.isSymbolicLink()) {
      tree.symlink(target, readlinkSync(source), attributes, owner);
    } else if (stats.isFile()) {
      const bytes = readPlain(source);
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

/** A directory of the Java, by a path that stays the same directory whatever becomes of the tree. */
function openDirectory({ files, root, path }: LinkedJava, folder: string) {
  const fd = files.openInRoot(root, folder === "" ? path : `${path}/${folder}`, { followLast: false });
  if (fd === undefined || !fstatSync(fd).isDirectory()) {
    if (fd !== undefined) closeSync(fd);
    throw new LighterError("RECIPE_INVALID", "cannot cut a Java: jlink has left none");
  }
  return { path: `/proc/self/fd/${fd}`, [Symbol.dispose]: () => closeSync(fd) };
}

function readPlain(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
