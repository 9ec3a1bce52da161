import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The name where Node did not start from what was made. */
export const noSnapshot = "none";

/** What a snapshot was made for and which commands it has the code of; launcher/main.c reads the same. */
export interface SnapshotIndex {
  /** Whether it is of this home, Node and build, and there as it was made. */
  readonly isCurrent: boolean;
  /** The name of its file, beside the index. */
  readonly snapshot: string;
  readonly kinds: readonly string[];
  readonly mtimeMs: number;
}

/** @returns undefined when there is none that can be read */
export function readIndex(home: string): SnapshotIndex | undefined {
  const path = join(home, "dist/cli/snapshot.index");
  try {
    const [made, node, build, file = "", ...kinds] = readFileSync(path, "utf8").split("\n");
    const [snapshot = "", size] = file.split(" ");
    const isCurrent =
      made === home &&
      node === identify(process.execPath) &&
      build === identify(join(home, "dist/cli/cli.js")) &&
      (snapshot === noSnapshot || statSync(join(home, "dist/cli", snapshot)).size === Number(size));
    return { isCurrent, snapshot, kinds, mtimeMs: statSync(path).mtimeMs };
  } catch {
    return undefined;
  }
}

/** What changes when a file is replaced or written to: device, inode, size, times of its content and of its inode. */
export function identify(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const seconds = (ns: bigint): string =>
    `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
  return `${dev} ${ino} ${size} ${seconds(mtimeNs)} ${seconds(ctimeNs)}`;
}

/** The program that starts commands from snapshots, for this architecture; there is not one for each. */
export function launcherOf(home: string): string {
  return join(home, `launcher/prebuilt/lighter-launcher-${process.arch}`);
}
