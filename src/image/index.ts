export { type HistoryRow, historyOf } from "./history.ts";
export type {
  Collected,
  Fault,
  Image,
  ImageLayer,
  ImageStore,
  LayerBlob,
  LayerTimes,
  LoadOptions,
  Origin,
  Removal,
  Roots,
  SaveItem,
  SaveOptions,
} from "./image-store.ts";
export { writeLayer } from "./layer-writer.ts";
export { type ImageStoreOptions, openImageStore } from "./open-image-store.ts";
