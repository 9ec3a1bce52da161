import type { Image } from "./image-store.ts";

/** One line of `lighter history`, newest first. */
export interface HistoryRow {
  /** RFC 3339; undefined when the image does not say. */
  readonly created: string | undefined;
  readonly createdBy: string;
  readonly comment: string;
  /** Bytes of the layer that the line made, uncompressed; 0 when it made none. */
  readonly sizeBytes: number;
  readonly isEmptyLayer: boolean;
}

/** How an image came to be: its history with the size of each layer. Layers that the history does not tell of count as the newest. */
export function historyOf(image: Image): readonly HistoryRow[] {
  const layers = image.layers.map((layer) => layer.sizeBytes);
  const rows = (image.config.history ?? []).map((line): HistoryRow => {
    const isEmptyLayer = line.empty_layer === true;
    return {
      created: line.created,
      createdBy: line.created_by ?? "",
      comment: line.comment ?? "",
      sizeBytes: isEmptyLayer ? 0 : (layers.shift() ?? 0),
      isEmptyLayer,
    };
  });
  const untold = layers.map((sizeBytes): HistoryRow => ({ ...unknownRow, sizeBytes }));
  return [...rows, ...untold].reverse();
}

const unknownRow = { created: undefined, createdBy: "", comment: "", isEmptyLayer: false } as const;
