import type { Digest } from "#oci";
import type { LayerParts } from "../commit-layer.ts";
import type { Image, SendOptions } from "../image-store.ts";
import { type Copied, copyBlob, copyImage } from "./copy.ts";
import type { ImageTarget } from "./endpoints.ts";
import { storeSource } from "./store-source.ts";

/** See `ImageStore.send`. A layer goes out while the next is still being compressed. */
export async function sendImage(
  parts: LayerParts,
  image: Image,
  { target, options }: { readonly target: ImageTarget; readonly options: SendOptions },
): Promise<Copied> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const copying = {
    ...options,
    signal,
    onBlob: ({ digest }: { readonly digest: Digest }) => {
      if (target.repository !== undefined) parts.records.addRepository(digest, target.repository);
    },
  };
  const underWay = new Map<Digest, Promise<void>>();
  const source = storeSource(parts, image, {
    ...options,
    onFormed(layer) {
      // A place that takes one blob at a time takes them in order.
      if (target.width === 1) return;
      const sent = copyBlob({ source, target, options: copying }, layer, signal);
      // Who copies the image hears of it; until then nobody listens.
      sent.catch(() => undefined);
      underWay.set(layer.digest, sent);
    },
  });
  try {
    return await copyImage(source, target, { ...copying, platform: "all", underWay });
  } finally {
    stop.abort();
    await Promise.allSettled(underWay.values());
  }
}
