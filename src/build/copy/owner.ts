import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { LighterError } from "#base";
import type { Owner, UserName } from "#plan";
import { resolveInTree } from "../tree/resolve.ts";
import type { Tree } from "../tree/tree.ts";

export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

const longestUserFileBytes = 10 << 20;

/** Where the names of an owner are looked up, and who hears of those that are not there. */
export interface NameSource {
  /** The tree that is changed; its /etc/passwd and /etc/group are read, links followed inside it only. Absent: there is none. */
  readonly tree?: Tree | undefined;
  readonly warn: (sentence: string) => void;
}

/**
 * Who will own what is made: `--chown` or USER. A user without a group brings the group of its line in /etc/passwd; a
 * numeric one is its own group. As in BuildKit a user that has no line is root, and a group that has none is the user's.
 * @throws COPY_INVALID for a name when there is no tree
 */
export function resolveOwner(names: NameSource, owner: Owner | undefined): Ids | undefined {
  if (owner === undefined) return undefined;
  const user = owner.user === undefined ? { uid: 0, gid: 0 } : resolveUser(names, owner.user);
  return owner.group === undefined
    ? user
    : { uid: user.uid, gid: resolveGroup(names, owner.group) ?? user.gid };
}

function resolveUser(names: NameSource, user: UserName): Ids {
  if ("id" in user) return { uid: user.id, gid: user.id };
  const [, , uid, gid] = findLine(treeFor(names, "user", user.name), "etc/passwd", user.name) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  names.warn(`/etc/passwd of the image has no user "${user.name}": root becomes the owner`);
  return { uid: 0, gid: 0 };
}

function resolveGroup(names: NameSource, group: UserName): number | undefined {
  if ("id" in group) return group.id;
  const gid = findLine(treeFor(names, "group", group.name), "etc/group", group.name)?.[2];
  if (gid !== undefined) return Number(gid);
  names.warn(`/etc/group of the image has no group "${group.name}": the group stays the user's`);
  return undefined;
}

function treeFor({ tree }: NameSource, kind: "user" | "group", name: string): Tree {
  if (tree !== undefined) return tree;
  throw new LighterError(
    "COPY_INVALID",
    `cannot chown to ${kind} "${name}": FROM scratch has no file that names a ${kind}; use a number`,
  );
}

function findLine(tree: Tree, path: string, name: string): readonly string[] | undefined {
  return readUserFile(tree, path)
    .split("\n")
    .map((line) => line.trim().split(":"))
    .find((fields) => fields[0] === name && /^\d+$/.test(fields[2] ?? ""));
}

/** The text of a user file of `tree`; empty when it has none. */
export function readUserFile(tree: Tree, path: string): string {
  const entry = tree.find(resolveInTree(tree, path, true));
  if (entry?.kind !== "file") return "";
  const fd = openSync(entry.location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const sizeBytes = Math.min(fstatSync(fd).size, longestUserFileBytes);
    const bytes = Buffer.alloc(sizeBytes);
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, sizeBytes, 0));
  } finally {
    closeSync(fd);
  }
}
