export type { ActiveSnapshot, SnapshotName, Snapshotter } from "./snapshotter.ts";
