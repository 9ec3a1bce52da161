import { parseReference, type Reference } from "#oci";
import { Attributes } from "../export/attributes.ts";

interface RegistryPlace {
  readonly kind: "registry";
  readonly reference: Reference;
  /** Reached without verified TLS, whatever the configuration says. */
  readonly insecure: boolean;
}

/** Where results of earlier builds are looked for. */
export type CacheSource = (
  | { readonly kind: "local"; readonly directory: string; readonly tag: string }
  | RegistryPlace
) & { readonly ignoreError: boolean };

/** Where results of this build go. */
export type CacheTarget = (
  | { readonly kind: "local"; readonly directory: string; readonly tag: string }
  | RegistryPlace
  | { readonly kind: "inline" }
) & {
  /** `min`: the steps of the image; `max`: all steps. */
  readonly mode: "min" | "max";
  readonly compression: "uncompressed" | "gzip" | "zstd";
  readonly ignoreError: boolean;
};

/** Reads `--cache-from`: `type=local,src=DIR`, `type=registry,ref=NAME`, or a name. @throws ARGUMENT_INVALID */
export function parseCacheSource(text: string, absolute: (path: string) => string): CacheSource {
  const attributes = new Attributes("cache-from", text.includes("=") ? text : `type=registry,ref=${text}`);
  const type = attributes.takeChoice("type", ["local", "registry"]);
  if (type === undefined) throw attributes.fault("it has no type; want local or registry");
  const place =
    type === "local"
      ? { kind: type, directory: absolute(required(attributes, "src")), tag: tagOf(attributes) }
      : registryPlace(attributes);
  const source = { ...place, ignoreError: attributes.takeBoolean("ignore-error") ?? false };
  attributes.end();
  return source;
}

/** Reads `--cache-to`: `type=local,dest=DIR,mode=max`, `type=registry,ref=NAME`, `type=inline`. @throws ARGUMENT_INVALID */
export function parseCacheTarget(text: string, absolute: (path: string) => string): CacheTarget {
  const attributes = new Attributes("cache-to", text.includes("=") ? text : `type=registry,ref=${text}`);
  const place = readPlace(attributes, absolute);
  const mode = attributes.takeChoice("mode", ["min", "max"]) ?? "min";
  const compression = attributes.takeChoice("compression", ["uncompressed", "gzip", "zstd"]) ?? "gzip";
  // The form of the artifact is one: what BuildKit lets choose about it makes no difference here.
  for (const key of ["oci-mediatypes", "image-manifest", "force-compression"]) attributes.takeBoolean(key);
  const target = {
    ...place,
    mode,
    compression,
    ignoreError: attributes.takeBoolean("ignore-error") ?? false,
  };
  attributes.end();
  return target;
}

function readPlace(
  attributes: Attributes,
  absolute: (path: string) => string,
):
  | { readonly kind: "local"; readonly directory: string; readonly tag: string }
  | RegistryPlace
  | { readonly kind: "inline" } {
  const type = attributes.takeChoice("type", ["local", "registry", "inline"]);
  switch (type) {
    case "local":
      return { kind: type, directory: absolute(required(attributes, "dest")), tag: tagOf(attributes) };
    case "registry":
      return registryPlace(attributes);
    case "inline":
      return { kind: type };
    case undefined:
      throw attributes.fault("it has no type; want local, registry or inline");
  }
}

function registryPlace(attributes: Attributes): RegistryPlace {
  return {
    kind: "registry",
    reference: parseReference(required(attributes, "ref")),
    insecure: attributes.takeBoolean("registry.insecure") ?? false,
  };
}

function required(attributes: Attributes, key: string): string {
  const value = attributes.take(key);
  if (value === undefined || value === "") throw attributes.fault(`it has no ${key}`);
  return value;
}

function tagOf(attributes: Attributes): string {
  return attributes.take("tag") ?? "latest";
}
