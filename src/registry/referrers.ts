import { LighterError } from "#base";
import {
  type Descriptor,
  digestOf,
  encoded,
  familiarReference,
  type Index,
  isDigest,
  type Manifest,
  mediaTypes,
  type Reference,
} from "#oci";
import { drain, readBody } from "./http/body.ts";
import { findManifest, putManifest } from "./manifests.ts";
import type { CallOptions, PushedManifest } from "./registry-client.ts";
import type { Session } from "./session.ts";

const answerLimitBytes = 4 << 20;

/** See `RegistryClient.listReferrers`. Registries without the interface have a tag that lists them. */
export async function listReferrers(
  session: Session,
  reference: Reference,
  options: CallOptions & { readonly artifactType?: string } = {},
): Promise<readonly Descriptor[]> {
  const listed =
    (await askReferrers(session, reference, options)) ?? (await readFallback(session, reference, options));
  const { artifactType } = options;
  return artifactType === undefined ? listed : listed.filter((row) => row.artifactType === artifactType);
}

/** Adds a manifest to the tag that stands for the interface of referrers. @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject */
export async function addToFallback(
  session: Session,
  reference: Reference,
  manifest: PushedManifest,
  options: CallOptions,
): Promise<void> {
  const document = JSON.parse(Buffer.from(manifest.bytes).toString()) as Manifest;
  const { subject } = document;
  if (subject === undefined || !isDigest(subject.digest)) return;
  const owner = { registry: reference.registry, repository: reference.repository, digest: subject.digest };
  const artifactType = document.artifactType ?? document.config?.mediaType;
  const row: Descriptor = {
    mediaType: manifest.mediaType,
    digest: digestOf(manifest.bytes),
    size: manifest.bytes.length,
    ...(artifactType !== undefined && { artifactType }),
    ...(document.annotations && { annotations: document.annotations }),
  };
  const old = await readFallback(session, owner, options);
  if (old.some(({ digest }) => digest === row.digest)) return;
  const index: Index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...old, row] };
  const bytes = Buffer.from(JSON.stringify(index));
  await putManifest(session, fallbackTag(owner), { mediaType: mediaTypes.index, bytes }, options);
}

/** @returns undefined when the registry does not have the interface */
async function askReferrers(
  session: Session,
  reference: Reference,
  options: CallOptions,
): Promise<readonly Descriptor[] | undefined> {
  const { digest, registry, repository } = reference;
  if (digest === undefined)
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot list referrers of "${familiarReference(reference)}": give its digest`,
    );
  const { response } = await session.request({
    purpose: `list referrers of "${familiarReference(reference)}"`,
    registry,
    access: "pull",
    method: "GET",
    path: `${repository}/referrers/${digest}`,
    scopes: [`repository:${repository}:pull`],
    headers: { Accept: mediaTypes.index },
    accept: [200, 404, 400, 405],
    ...(options.signal && { signal: options.signal }),
  });
  if (response.statusCode === 200) return rowsOf((await readBody(response, answerLimitBytes)).toString());
  await drain(response);
  return undefined;
}

async function readFallback(
  session: Session,
  reference: Reference,
  options: CallOptions,
): Promise<readonly Descriptor[]> {
  const found = await findManifest(session, fallbackTag(reference), options);
  return found === undefined ? [] : rowsOf(Buffer.from(found.bytes).toString());
}

function fallbackTag({ registry, repository, digest }: Reference): Reference {
  return { registry, repository, tag: digest === undefined ? "" : `sha256-${encoded(digest)}` };
}

function rowsOf(text: string): readonly Descriptor[] {
  try {
    const { manifests } = JSON.parse(text) as { manifests?: unknown };
    if (Array.isArray(manifests))
      return (manifests as Descriptor[]).filter(
        (row) => typeof row?.digest === "string" && isDigest(row.digest),
      );
  } catch {
    // The error below says it.
  }
  throw new LighterError(
    "REGISTRY_FAILED",
    "cannot list referrers: the registry's answer is no index; ask who runs it",
  );
}
