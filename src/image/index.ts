export { type HistoryRow, historyOf } from "./history.ts";
export type {
  ArchiveItem,
  Collected,
  Fault,
  FindOptions,
  Image,
  ImageLayer,
  ImageStore,
  LayerBlob,
  LayerForm,
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
