export type { Image, ImageStore, LayerBlob, Origin, Removal } from "./image-store.ts";
