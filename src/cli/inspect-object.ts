import type { Image, Origin } from "#image";
import { familiarReference, parseReference } from "#oci";

/** What docker prints for a field that the image does not set: templates may name every one of them. */
const unsetConfig = Object.freeze({
  Cmd: null,
  Entrypoint: null,
  Env: null,
  Labels: null,
  OnBuild: null,
  User: "",
  Volumes: null,
  WorkingDir: "",
});

/** The moment that docker prints when it has not noted any, as no time of tagging is kept here. */
const neverTagged = "0001-01-01T00:00:00Z";

/**
 * An image as `docker image inspect` shows it, plus `Origin`.
 * @see https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Image/operation/ImageInspect
 */
export function inspectObject(image: Image): Readonly<Record<string, unknown>> {
  const references = image.names.map((name) => parseReference(name));
  const { config } = image;
  return {
    Id: image.id,
    RepoTags: references
      .filter((one) => one.tag !== undefined)
      .map(familiarReference)
      .sort(),
    RepoDigests: references.map(({ registry, repository }) =>
      familiarReference({ registry, repository, digest: image.target.digest }),
    ),
    Parent: "",
    Comment: config.history?.at(-1)?.comment ?? "",
    Created: config.created ?? "",
    DockerVersion: "",
    Author: config.author ?? "",
    Architecture: config.architecture,
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os,
    Size: image.sizeBytes,
    GraphDriver: { Data: null, Name: "overlay2" },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: neverTagged },
    Config: { ...unsetConfig, ...config.config },
    Descriptor: image.target,
    ...(image.origin !== undefined && { Origin: originText(image.origin) }),
  };
}

/** Where an image came from, in words. */
export function originText(origin: Origin): string {
  switch (origin.kind) {
    case "built":
      return "built by lighter";
    case "loaded":
      return "loaded from an archive";
    case "pulled":
      return `pulled from ${origin.from}`;
    case "recipe":
      return origin.description;
  }
}
