import type { Base } from "#build";
import type { Image, ImageStore } from "#image";

/** An image of the store as a base. `origin` is what {@link Base.origin} says. */
export function toBase(images: ImageStore, image: Image, origin: string): Base {
  return {
    digest: image.target.digest,
    config: image.config,
    layers: image.layers,
    origin,
    snapshot: (signal) => images.unpack(image, signal === undefined ? {} : { signal }),
  };
}
