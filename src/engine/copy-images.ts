import type { ImageStore } from "#image";
import { copyImage } from "#image";
import { type Digest, parsePlatform, parseReference } from "#oci";
import type { RegistryClient } from "#registry";
import { openSource, openTarget, parsePlace } from "./image-places.ts";
import type { CopyOptions, CopyResult } from "./options.ts";

interface Parts {
  readonly images: ImageStore;
  readonly client: () => Promise<RegistryClient>;
  /** Keeps collectors from what is being read or written. */
  readonly hold: () => Promise<Disposable>;
}

/** See `Images.copy`. Only a copy to or from the store touches it, and holds it. */
export async function copyBetween(
  parts: Parts,
  route: { readonly from: string; readonly to: string },
  options: CopyOptions,
): Promise<CopyResult> {
  const [from, to] = [parsePlace(route.from), parsePlace(route.to)];
  using _held = from.kind === "store" || to.kind === "store" ? await parts.hold() : undefined;
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const source = await openSource(from, to, { ...parts, platform });
  const common = {
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.signal && { signal: options.signal }),
  };
  if (to.kind === "store") {
    const image = await parts.images.receive(source, {
      ...common,
      platforms: platform === undefined ? "all" : [platform],
      unpack: false,
      names: [parseReference(to.what)],
      origin: from.kind === "registry" ? { kind: "pulled", from: from.what } : { kind: "loaded" },
    });
    return { digest: (image.index ?? image.target).digest };
  }
  const target = await openTarget(to, { ...parts, platform });
  try {
    const { top } = await copyImage(source, target, { ...common, platform: platform ?? "all", verb: "copy" });
    return { digest: top.digest satisfies Digest };
  } finally {
    target[Symbol.dispose]?.();
  }
}
