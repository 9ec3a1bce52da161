import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { LighterError } from "#base";
import type { Host } from "#host";
import { layerChunks } from "#image";
import { resolveUser } from "#runtime";
import { Extraction } from "#snapshot";
import { type ContainerRecord, isLive } from "./container-record.ts";
import { withRoot } from "./container-root.ts";
import type { Parts } from "./parts.ts";
import { userCount } from "./user-namespace.ts";

/** A copy between the host and a container; paths by the rules of `docker cp`. */
export interface CopyRequest {
  readonly direction: "in" | "out";
  /** Of the host. */
  readonly hostPath: string;
  /** Of the container; a relative one begins at the root. */
  readonly containerPath: string;
  /** Into a container: the files are to be its user's, where it has one. Out of one: they keep their owners. */
  readonly archive?: boolean;
  /** Follow a link that the source is. */
  readonly followLink?: boolean;
  /** Copies only into a directory that is there. */
  readonly mustExist?: boolean;
}

/** @throws CONTAINER_INVALID */
export async function copyFiles(parts: Parts, record: ContainerRecord, request: CopyRequest): Promise<void> {
  await withRoot(parts, record, async (root) => {
    const inside = new Side(
      parts.host,
      root,
      posix.resolve("/", request.containerPath) + trailing(request.containerPath),
    );
    const outside = new Side(parts.host, "/", request.hostPath);
    const [from, to] = request.direction === "in" ? [outside, inside] : [inside, outside];
    const isIn = request.direction === "in";
    // While it runs its tree is seen with the IDs of the host that its own stand for.
    const first = isLive(record.state) ? record.namespaces.firstUser : undefined;
    const shift = shiftBy(first === undefined ? 0 : isIn ? first : -first);
    const isEmptied = isIn || !isLive(record.state) ? () => false : kernelTrees(inside, record);
    const owner = isIn ? userOf(parts.host, record, { request, root, first }) : callerOf(request);
    const ownerOf = owner === undefined ? shift : () => owner;
    const task = (): void => copy(parts.host, { from, to, request, ownerOf, isEmptied });
    if (isIn && first !== undefined) parts.host.files.actingAs(first, task);
    else task();
    await Promise.resolve();
  });
}

/** What the kernel shows a program of itself is no file of the container's: docker copies the places alone. */
function kernelTrees(inside: Side, { mounts }: ContainerRecord): (stats: Stats) => boolean {
  const root = inside.open("/", true, (_, stat) => stat);
  const places = ["/proc", "/sys", "/dev"].filter((place) =>
    mounts.every(({ destination }) => destination !== place),
  );
  const keys = places.flatMap(
    (place) => inside.open(place, true, (_, stat) => (stat.dev === root?.dev ? [] : [keyOf(stat)])) ?? [],
  );
  return (stats) => keys.includes(keyOf(stats));
}

function keyOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/** An ID that has none on the other side becomes nobody's. */
function shiftBy(distance: number): OwnerOf {
  const nobody = 65_534;
  const shift = (id: number): number => {
    const moved = id + distance;
    if (distance > 0) return id < userCount ? moved : nobody + distance;
    return distance === 0 || (moved >= 0 && moved < userCount) ? moved : nobody;
  };
  return ({ uid, gid }) => ({ uid: shift(uid), gid: shift(gid) });
}

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** Who owns what comes out; undefined when it keeps its owners. */
function callerOf({ archive }: CopyRequest): Ids | undefined {
  return archive === true ? undefined : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** Who owns what goes in; undefined when it keeps its owners, as docker has it. */
function userOf(
  host: Host,
  { process: { user } }: ContainerRecord,
  {
    request,
    root,
    first = 0,
  }: { readonly request: CopyRequest; readonly root: string; readonly first: number | undefined },
): Ids | undefined {
  if (request.archive !== true || user === "") return undefined;
  const { uid, gid } = resolveUser(host, root, user);
  return { uid: uid + first, gid: gid + first };
}

/** `/.` says the contents, `/` says a directory. */
function trailing(path: string): string {
  return /\/\.?$/.test(path) && posix.resolve("/", path) !== "/" ? (path.endsWith("/.") ? "/." : "/") : "";
}

/** A path in a tree that may be hostile: every link is resolved inside the tree. */
class Side {
  readonly path: string;
  readonly #host: Pick<Host, "files">;
  readonly #root: string;

  constructor(host: Pick<Host, "files">, root: string, path: string) {
    this.#host = host;
    this.#root = root;
    this.path = path;
  }

  get name(): string {
    return basename(this.path.replace(/\/\.?$/, ""));
  }

  /** Runs with a descriptor's path of what stands there; undefined when nothing does. */
  open<T>(path: string, followLast: boolean, use: (at: string, stat: Stats) => T): T | undefined {
    const fd = this.#host.files.openInRoot(this.#root, path, { followLast });
    if (fd === undefined) return undefined;
    try {
      return use(`/proc/self/fd/${fd}`, fstatSync(fd));
    } finally {
      closeSync(fd);
    }
  }

  /** The place that a link at this path stands for, as docker reads it, be it there or not. */
  followed(): Side {
    let path = this.path.replace(/\/\.$/, "/");
    for (let links = 0; links < mostLinks && !path.endsWith("/"); links += 1) {
      const target = this.open(dirname(path), true, (parent) => linkAt(join(parent, basename(path))));
      if (target === undefined) return new Side(this.#host, this.#root, path);
      path = posix.resolve(dirname(path), target);
    }
    return new Side(this.#host, this.#root, path);
  }

  /** Where the link that this path is leads to. A descriptor's path would give the link's own place. */
  readLink(): string {
    const target = this.open(dirname(this.path), true, (parent) => readlinkSync(join(parent, this.name)));
    if (target === undefined) throw this.fault("there is no such file or directory");
    return target;
  }

  fault(state: string): LighterError {
    return new LighterError("CONTAINER_INVALID", `cannot copy "${this.path}": ${state}`);
  }
}

const mostLinks = 40;

function linkAt(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
    ? readlinkSync(path)
    : undefined;
}

type OwnerOf = (ids: Ids) => Ids;

interface Copying {
  readonly from: Side;
  readonly to: Side;
  readonly request: CopyRequest;
  readonly ownerOf: OwnerOf;
  /** Of directories whose contents stay where they are. */
  readonly isEmptied: (stats: Stats) => boolean;
}

function copy(host: Pick<Host, "files">, copying: Copying): void {
  const { from, request } = copying;
  const to = copying.to.followed();
  if (request.mustExist === true && to.open(to.path, true, (_, stat) => stat.isDirectory()) !== true)
    throw to.fault("there is no such directory");
  const copied = from.open(
    from.path,
    request.followLink === true || from.path.endsWith("/"),
    (source, stat) => {
      if (stat.isDirectory()) return copyDirectory(host, copying, source);
      if (from.path.endsWith("/")) throw from.fault("it is no directory");
      const landing = { ...copying, to };
      inTarget(landing, (directory, name) => copyEntry(host, { source, stat, directory, name, ...landing }));
      return true;
    },
  );
  if (copied === undefined) throw from.fault("there is no such file or directory");
}

/** Into an existing directory by the source's name, else under the target's own name beside its siblings. */
function inTarget({ from, to }: Copying, put: (directory: string, name: string) => void): void {
  const isDone = to.open(to.path, true, (target, stat) => {
    if (!stat.isDirectory()) {
      if (to.path.endsWith("/")) throw to.fault("it is no directory");
      return undefined;
    }
    put(target, from.name);
    return true;
  });
  if (isDone !== undefined) return;
  if (to.path.endsWith("/")) throw to.fault("there is no such directory");
  const parent = to.open(dirname(to.path), true, (target, stat) => {
    if (!stat.isDirectory()) throw to.fault("its parent is no directory");
    put(target, to.name);
    return true;
  });
  if (parent === undefined) throw to.fault("there is no such directory");
}

function copyDirectory(host: Pick<Host, "files">, copying: Copying, source: string): true {
  const { from, to } = copying;
  // The root has no name that it could stand under.
  const isContents = from.path.endsWith("/.") || from.path === "/";
  const existing = to.open(to.path, true, (target, stat) => {
    if (!stat.isDirectory()) throw to.fault("a directory cannot replace a file");
    if (isContents) fill(host, { source, target, ...copying });
    else fillNew(host, copying, { source, directory: target, name: from.name });
    return true;
  });
  if (existing !== undefined) return true;
  const parent = to.open(dirname(to.path.replace(/\/\.?$/, "")), true, (directory) => {
    fillNew(host, copying, { source, directory, name: to.name });
    return true;
  });
  if (parent === undefined) throw to.fault("there is no such directory");
  return true;
}

/** `name` in `directory` as a directory of its own; a link that stands there is not followed. */
function fillNew(
  host: Pick<Host, "files">,
  copying: Copying,
  place: { readonly source: string; readonly directory: string; readonly name: string },
): void {
  const path = join(place.directory, place.name);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory())
    throw copying.to.fault("a directory cannot replace a file");
  if (found === undefined) mkdirSync(path);
  const source = statSync(place.source);
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const target = `/proc/self/fd/${fd}`;
    fill(host, { source: place.source, target, ...copying });
    setAttributes(target, source, copying.ownerOf);
  } finally {
    closeSync(fd);
  }
}

function fill(
  host: Pick<Host, "files">,
  tree: Pick<Copying, "ownerOf" | "isEmptied"> & { readonly source: string; readonly target: string },
): void {
  using extraction = new Extraction({
    host,
    root: `${tree.target}/.`,
    owner: tree.ownerOf,
  });
  const { isEmptied } = tree;
  for (const chunk of layerChunks(`${tree.source}/.`, { files: host.files as Host["files"], isEmptied }))
    extraction.write(chunk);
  extraction.finish();
}

/** A file or a link takes the place of what stands there by a rename: nothing is written through a link. */
function copyEntry(
  host: Pick<Host, "files">,
  entry: Copying & {
    readonly source: string;
    readonly stat: Stats;
    readonly directory: string;
    readonly name: string;
  },
): void {
  const { stat, directory, name } = entry;
  const half = join(directory, `.lighter-${process.pid}-${name}`);
  const path = join(directory, name);
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw entry.to.fault("a file cannot replace a directory");
  try {
    if (stat.isSymbolicLink()) symlinkSync(entry.from.readLink(), half);
    else if (stat.isFIFO()) copyPipe(host, entry, half);
    else copyContents(entry, half);
    renameSync(half, path);
  } catch (error) {
    if (lstatSync(half, { throwIfNoEntry: false }) !== undefined) unlinkSync(half);
    throw error;
  }
}

function copyPipe(
  { files }: Pick<Host, "files">,
  { stat, ownerOf }: Pick<Copying, "ownerOf"> & { readonly stat: Stats },
  half: string,
): void {
  files.makeNode(half, stat.mode, { major: 0, minor: 0 });
  const { uid, gid } = ownerOf(stat);
  lchownSync(half, uid, gid);
}

function copyContents(
  { from, source, stat, ownerOf }: Copying & { readonly source: string; readonly stat: Stats },
  half: string,
): void {
  if (!stat.isFile()) throw from.fault("it is a device or a socket");
  // By descriptor: another container that shares a volume may put a link at the name meanwhile.
  const fd = openSync(half, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    const target = `/proc/self/fd/${fd}`;
    copyFileSync(source, target);
    setAttributes(target, stat, ownerOf);
  } finally {
    closeSync(fd);
  }
}

function setAttributes(path: string, stat: Stats, ownerOf: OwnerOf): void {
  const { uid, gid } = ownerOf(stat);
  chownSync(path, uid, gid);
  chmodSync(path, stat.mode & 0o7777);
  utimesSync(path, stat.atime, stat.mtime);
}
