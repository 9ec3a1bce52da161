import { chmodSync, lchownSync, lstatSync, mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import type { Lock } from "#host";
import { removeHeld } from "./remove-held.ts";
import type { ActiveSnapshot, SnapshotName } from "./snapshotter.ts";

interface Parts {
  readonly id: string;
  readonly directory: string;
  /** Held while the snapshot is active: a sweep of another process leaves it alone. */
  readonly lock: Lock;
  readonly parent: SnapshotName | undefined;
  readonly lower: readonly string[];
}

/** An active snapshot: a directory that goes when it is disposed before it was committed. */
export class ActiveDirectory implements ActiveSnapshot {
  readonly id: string;
  readonly directory: string;
  readonly parent: SnapshotName | undefined;
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly #lock: Lock;
  #hasEnded = false;

  constructor(parts: Parts) {
    this.id = parts.id;
    this.directory = parts.directory;
    this.parent = parts.parent;
    this.lower = parts.lower;
    this.upper = join(parts.directory, "fs");
    this.work = join(parts.directory, "work");
    this.#lock = parts.lock;
    mkdirSync(this.work, { mode: 0o700 });
    makeUpper(this.upper, this.lower[0]);
  }

  /** From here on disposing does nothing: the snapshotter owns the directory. @throws INTERNAL the second time */
  end(): Lock {
    if (this.#hasEnded) throw new LighterError("INTERNAL", "cannot commit a snapshot that has ended");
    this.#hasEnded = true;
    return this.#lock;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    using _lock = this.#lock;
    removeHeld(this.directory);
  }
}

/** In an overlay the merged root has the attributes of the upper directory, so they must be those of the parent's. */
function makeUpper(path: string, below: string | undefined): void {
  mkdirSync(path);
  if (below === undefined) {
    chmodSync(path, 0o755);
    return;
  }
  const stats = lstatSync(below);
  lchownSync(path, stats.uid, stats.gid);
  chmodSync(path, stats.mode & 0o7777);
  utimesSync(path, stats.mtime, stats.mtime);
}
