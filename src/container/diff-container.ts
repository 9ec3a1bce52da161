import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isOpaque, isWhiteout, type SnapshotName } from "#snapshot";
import type { ContainerRecord } from "./container-record.ts";
import type { Parts } from "./parts.ts";

/** What a container changed in its image's tree. */
export interface Change {
  readonly kind: "added" | "changed" | "deleted";
  readonly path: string;
}

/** By path. */
export function listChanges({ host, store, snapshots }: Parts, record: ContainerRecord): readonly Change[] {
  const upper = join(store.directory(record.id), "fs");
  const lower = record.snapshot === undefined ? [] : snapshots.layers(record.snapshot as SnapshotName);
  const changes: Change[] = [];
  const isBound = (path: string): boolean => isOfEngine(path) && !isBelow(lower, path);
  /** A directory that was made anew hides what the image has in it. */
  const hidden = (folder: string): readonly Change[] => {
    const names = new Set(lower.flatMap((layer) => namesIn(join(layer, folder))));
    const gone = [...names].filter((name) => !isLink(join(upper, folder, name))).sort();
    return gone.map((name) => ({ kind: "deleted", path: `${folder}/${name}` }));
  };
  const visit = (folder: string): void => {
    for (const name of readdirSync(join(upper, folder)).sort()) {
      const path = `${folder}/${name}`;
      if (isBound(path)) continue; // where the engine mounts what every container has
      const stat = lstatSync(join(upper, path));
      if (isWhiteout(stat)) {
        changes.push({ kind: "deleted", path });
        continue;
      }
      const at = changes.length;
      const isOld = isBelow(lower, path);
      changes.push({ kind: isOld ? "changed" : "added", path });
      if (!stat.isDirectory()) continue;
      if (isOld && isOpaque(host.files, join(upper, path))) changes.push(...hidden(path));
      visit(path);
      // Made or changed by what is bound into it, and by nothing else.
      const isOnlyBound = changes.length === at + 1 && readdirSync(join(upper, path)).length > 0;
      if (path === "/etc" && isOnlyBound) changes.pop();
    }
  };
  visit("");
  return changes;
}

/** What every container gets: where the engine mounts, and the mark of a container. */
function isOfEngine(path: string): boolean {
  return /^\/(?:\.dockerenv|etc\/(?:hosts|hostname|resolv\.conf)|dev|proc|sys)$/.test(path);
}

/** Links in the image's layers are not followed: each part of the path has to stand there itself. */
function isBelow(lower: readonly string[], path: string): boolean {
  return lower.some((layer) => existsSync(join(layer, path)) || isLink(join(layer, path)));
}

function namesIn(folder: string): readonly string[] {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return [];
  return readdirSync(folder).filter((name) => !isWhiteout(lstatSync(join(folder, name))));
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
