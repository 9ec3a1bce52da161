import { LighterError, type OnProgress } from "#base";
import { type Image, type ImageStore, type LayerForm, registrySource, registryTarget } from "#image";
import {
  familiarReference,
  formatReference,
  type Platform,
  parsePlatform,
  parseReference,
  type Reference,
} from "#oci";
import type { RegistryClient } from "#registry";
import type { ManifestDocument, PullOptions, PullResult, PushOptions, PushResult } from "./options.ts";

/** What moves images between the store and registries. */
interface Parts {
  readonly images: ImageStore;
  readonly client: RegistryClient;
}

/** See `Images.pull`. */
export async function pullImage(parts: Parts, text: string, options: PullOptions): Promise<PullResult> {
  const reference = parseReference(text);
  const platform = parsePlatform(options.platform ?? process.arch);
  return await pullReference(parts, reference, { ...options, platform });
}

/** Brings the image under its name; one that is asked for by digest gets no tag, which would be a claim nobody checked. */
export async function pullReference(
  { images, client }: Parts,
  reference: Reference,
  options: Omit<PullOptions, "platform"> & { readonly platform: Platform },
): Promise<PullResult> {
  const { registry, repository, digest } = reference;
  const name: Reference = digest === undefined ? reference : { registry, repository, digest };
  const before = images.find(formatReference(name), { platform: options.platform });
  const image = await images.receive(registrySource(client, reference), {
    platforms: options.allPlatforms === true ? "all" : [options.platform],
    names: [name],
    origin: { kind: "pulled", from: registry },
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.signal && { signal: options.signal }),
  });
  const top = rowTarget(image);
  const isUnchanged = before !== undefined && rowTarget(before).digest === top.digest;
  return { image, name: formatReference(name), digest: top.digest, isUnchanged };
}

/** See `Images.push`. */
export async function pushImage(
  { images, client }: Parts,
  text: string,
  options: PushOptions,
): Promise<PushResult> {
  const reference = parseReference(text);
  if (reference.digest !== undefined)
    throw new LighterError(
      "REFERENCE_INVALID",
      `cannot push "${text}": a digest is what comes out of it; give a tag`,
    );
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const image = images.get(formatReference(reference), platform === undefined ? {} : { platform });
  const copied = await images.send(image, registryTarget(client, reference), {
    form: options.form ?? pushForm,
    allPlatforms: platform === undefined,
    verb: "push",
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.signal && { signal: options.signal }),
  });
  return {
    name: familiarReference(reference),
    digest: copied.top.digest,
    sizeBytes: copied.top.size,
    isUnchanged: copied.isUnchanged,
  };
}

/** How layers go out unless told otherwise: every registry and engine reads it. */
export const pushForm: LayerForm = Object.freeze({ compression: "gzip" });

/** See `Images.tags`. */
export async function listTags(
  { client }: Parts,
  text: string,
  options: { readonly signal?: AbortSignal },
): Promise<readonly string[]> {
  const { registry, repository } = parseReference(text);
  return await client.listTags({ registry, repository }, options);
}

/** See `Images.readManifest`. */
export async function readManifest(
  { client }: Parts,
  text: string,
  options: { readonly signal?: AbortSignal },
): Promise<ManifestDocument> {
  const { descriptor, bytes } = await client.getManifest(parseReference(text), options);
  return { descriptor, text: Buffer.from(bytes).toString() };
}

/** See `Images.createIndex`. What is not in the store is pulled, whole. */
export async function createIndex(
  parts: Parts,
  name: string,
  sources: readonly string[],
  options: { readonly onProgress?: OnProgress; readonly signal?: AbortSignal },
): Promise<Image> {
  const members: Image[] = [];
  for (const source of sources) {
    const stored = parts.images.find(source);
    members.push(stored ?? (await pullImage(parts, source, { ...options, allPlatforms: true })).image);
  }
  return await parts.images.createIndex(members, { names: [parseReference(name)], form: pushForm });
}

function rowTarget(image: Image): Image["target"] {
  return image.index ?? image.target;
}
