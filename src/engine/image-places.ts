import { LighterError } from "#base";
import {
  archiveTarget,
  archiveView,
  directoryView,
  dockerArchiveSource,
  type ImageSource,
  type ImageStore,
  type ImageTarget,
  layoutSource,
  layoutTarget,
  plainDirectorySource,
  plainDirectoryTarget,
  registrySource,
  registryTarget,
} from "#image";
import { type Platform, parseReference } from "#oci";
import type { RegistryClient } from "#registry";
import { pushForm } from "./transfers.ts";

/** Where an image is, in skopeo's words. */
export interface ImagePlace {
  readonly kind: "registry" | "store" | "oci" | "oci-archive" | "docker-archive" | "dir";
  /** The name of an image, or a path. */
  readonly what: string;
  /** The image's name inside the place. */
  readonly name: string | undefined;
}

const prefixes = {
  "docker://": "registry",
  "store:": "store",
  "oci:": "oci",
  "oci-archive:": "oci-archive",
  "docker-archive:": "docker-archive",
  "dir:": "dir",
} as const;

/** @throws ARGUMENT_INVALID with the forms there are */
export function parsePlace(text: string): ImagePlace {
  for (const [prefix, kind] of Object.entries(prefixes)) {
    if (!text.startsWith(prefix) || text.length === prefix.length) continue;
    const rest = text.slice(prefix.length);
    if (kind === "registry" || kind === "store" || kind === "dir")
      return { kind, what: rest, name: undefined };
    const colon = rest.indexOf(":");
    return colon < 0
      ? { kind, what: rest, name: undefined }
      : { kind, what: rest.slice(0, colon), name: rest.slice(colon + 1) || undefined };
  }
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot copy "${text}": want docker://NAME, store:NAME, oci:DIR[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME] or dir:DIR`,
  );
}

interface Parts {
  readonly images: ImageStore;
  readonly client: () => Promise<RegistryClient>;
  readonly platform: Platform | undefined;
}

export async function openSource(place: ImagePlace, to: ImagePlace, parts: Parts): Promise<ImageSource> {
  switch (place.kind) {
    case "registry":
      return registrySource(await parts.client(), parseReference(place.what));
    case "store": {
      const image = parts.images.get(
        place.what,
        parts.platform === undefined ? {} : { platform: parts.platform },
      );
      const allPlatforms = parts.platform === undefined && to.kind !== "docker-archive";
      // Only a line is so narrow that compressing pays.
      return parts.images.source(image, {
        allPlatforms,
        ...(to.kind === "registry" && { form: pushForm }),
      });
    }
    case "oci":
      return layoutSource(directoryView(place.what), place.name);
    case "oci-archive":
      return layoutSource(archiveView(place.what), place.name);
    case "docker-archive":
      return dockerArchiveSource(archiveView(place.what), place.name);
    case "dir":
      return plainDirectorySource(place.what);
  }
}

/** Every target but the store, which takes images its own way. */
export async function openTarget(
  place: ImagePlace,
  parts: Parts,
): Promise<ImageTarget & Partial<Disposable>> {
  switch (place.kind) {
    case "registry":
      return registryTarget(await parts.client(), parseReference(place.what));
    case "oci":
      return layoutTarget(place.what, place.name);
    case "oci-archive":
      return archiveTarget(place.what, { kind: "oci", name: place.name });
    case "docker-archive":
      return archiveTarget(place.what, { kind: "docker", name: place.name });
    case "dir":
      return plainDirectoryTarget(place.what);
    case "store":
      throw new LighterError("INTERNAL", "cannot open the store as a target of a copy");
  }
}
