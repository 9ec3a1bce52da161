import type { SnapshotName } from "#snapshot";
import type { ContextSource } from "../context/context-source.ts";
import type { TimeOrigin } from "../times/time-origin.ts";

/** What a vertex gives: a tree of the store, or files in place. */
export type Result = TreeResult | ContextResult;

export interface TreeResult {
  readonly kind: "tree";
  readonly id: string;
  /** Absent: an empty tree. */
  readonly snapshot?: SnapshotName;
  readonly origin: TimeOrigin;
  /** The tree is in another store, and this brings it; the snapshot is not known before. */
  readonly fetch?: () => Promise<SnapshotName | undefined>;
}

export interface ContextResult {
  readonly kind: "context";
  readonly source: ContextSource;
}
