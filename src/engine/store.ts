import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LighterError, systemErrorCode } from "#base";
import { type ContentStore, openContentStore } from "#content";
import type { Host, Lock } from "#host";
import { type ImageStore, openImageStore, type Roots } from "#image";
import { openSnapshotter, type Snapshotter } from "#snapshot";

/** The rooms that keep things, opened on one root. */
export interface Store {
  readonly root: string;
  readonly content: ContentStore;
  readonly snapshots: Snapshotter;
  readonly images: ImageStore;
  /** Keeps the collector away while something is being made; disposing lets it in again. */
  use(): Promise<Lock>;
}

/**
 * Opens the store at `root`, making it when it is absent.
 * @throws STORE_UNUSABLE, STORE_FULL
 */
export function openStore(root: string, host: Host, roots: () => Roots): Store {
  try {
    // Others may pass, for a container's user has to reach its files; the rooms shut what is theirs.
    mkdirSync(root, { recursive: true, mode: 0o711 });
  } catch (error) {
    throw unusable(root, error);
  }
  const content = openContentStore(root, host);
  const snapshots = openSnapshotter(root, host, content);
  const images = openImageStore({ root, content, snapshots, host, roots });
  return { root, content, snapshots, images, use: () => host.locks.acquire(join(root, "gc.lock"), "shared") };
}

const states: Readonly<Record<string, string>> = {
  EACCES: "permission denied (EACCES)",
  EPERM: "permission denied (EPERM)",
  EROFS: "the file system is read-only (EROFS)",
  EEXIST: "it is no directory",
  ENOTDIR: "a part of this path is no directory",
};

function unusable(root: string, error: unknown): LighterError {
  const code = systemErrorCode(error) ?? String(error);
  const state = states[code] ?? code;
  const help = code === "EACCES" || code === "EPERM" ? "run as root, or " : "";
  return new LighterError(
    "STORE_UNUSABLE",
    `cannot open the store "${root}": ${state}; ${help}choose another directory with --root or LIGHTER_ROOT`,
    { cause: error, details: { root } },
  );
}
