export { formatConfig } from "./documents.ts";
export { type HistoryRow, historyOf } from "./history.ts";
export type {
  AddOptions,
  ArchiveItem,
  Collected,
  DeferredFile,
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
  SendOptions,
} from "./image-store.ts";
export { layerChunks, writeLayer } from "./layer-writer.ts";
export type { ImagePlatform } from "./list-platforms.ts";
export { type ImageStoreOptions, openImageStore } from "./open-image-store.ts";
export { findForPlatform } from "./transfer/choose-platform.ts";
export { type Copied, type CopyOptions, copyImage } from "./transfer/copy.ts";
export { type ImageBytes, type ImageDocument, parseDocument } from "./transfer/document.ts";
export type {
  BlobOutcome,
  ImageSource,
  ImageTarget,
  PutBlobOptions,
  TransferOptions,
} from "./transfer/endpoints.ts";
export { type ArchiveTarget, archiveTarget } from "./transfer/places/archive-target.ts";
export { dockerArchiveSource } from "./transfer/places/docker-archive-source.ts";
export { archiveView, directoryView, type FileView } from "./transfer/places/file-view.ts";
export { layoutSource } from "./transfer/places/layout-source.ts";
export { layoutTarget } from "./transfer/places/layout-target.ts";
export { plainDirectorySource, plainDirectoryTarget } from "./transfer/places/plain-directory.ts";
export type { ReceiveOptions } from "./transfer/receive.ts";
export { registrySource, registryTarget } from "./transfer/registry-places.ts";
export type { StoreSourceOptions } from "./transfer/store-source.ts";
