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

/**
 * Who will own what is made: `--chown` or USER. A user without a group brings the group of its line in /etc/passwd; a
 * numeric one is its own group.
 * @param tree the tree that is changed; its /etc/passwd and /etc/group are read, links followed inside it only
 * @throws COPY_INVALID when a name is not there
 */
export function resolveOwner(tree: Tree, owner: Owner | undefined): Ids | undefined {
  if (owner === undefined) return undefined;
  const user = owner.user === undefined ? { uid: 0, gid: 0 } : resolveUser(tree, owner.user);
  return owner.group === undefined ? user : { uid: user.uid, gid: resolveGroup(tree, owner.group) };
}

function resolveUser(tree: Tree, user: UserName): Ids {
  if ("id" in user) return { uid: user.id, gid: user.id };
  const [, , uid, gid] = findLine(tree, "etc/passwd", user.name) ?? [];
  if (uid === undefined || gid === undefined) throw unknownName("user", user.name, "/etc/passwd");
  return { uid: Number(uid), gid: Number(gid) };
}

function resolveGroup(tree: Tree, group: UserName): number {
  if ("id" in group) return group.id;
  const gid = findLine(tree, "etc/group", group.name)?.[2];
  if (gid === undefined) throw unknownName("group", group.name, "/etc/group");
  return Number(gid);
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

function unknownName(kind: "user" | "group", name: string, file: string): LighterError {
  return new LighterError(
    "COPY_INVALID",
    `cannot chown to ${kind} "${name}": ${file} of the image has no such ${kind}; use a number or add it first`,
  );
}
