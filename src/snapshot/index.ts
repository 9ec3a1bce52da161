export { type DeferredFiles, isComplete, type LayerSource } from "./deferred-files.ts";
export { extractArchive } from "./extract/extract-archive.ts";
export { Extraction } from "./extract/extraction.ts";
export { LayoutDiffers } from "./extract/layout-differs.ts";
export type { ExtractLimits, ExtractOptions, ExtractSummary } from "./extract/options.ts";
export { openSnapshotter } from "./open-snapshotter.ts";
export {
  isOpaque,
  isOverlayXattr,
  isWhiteout,
  makeOpaque,
  makeWhiteout,
  opaqueXattr,
} from "./overlay-form.ts";
export type { ActiveSnapshot, SnapshotName, Snapshotter } from "./snapshotter.ts";
