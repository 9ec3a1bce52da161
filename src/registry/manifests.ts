import type { IncomingMessage } from "node:http";
import { errorMessage, LighterError } from "#base";
import { type Descriptor, digestOf, familiarReference, isDigest, mediaTypes, type Reference } from "#oci";
import { BodyTooLong, drain, headerOf, readBody } from "./http/body.ts";
import type { CallOptions, FetchedManifest, PushedManifest } from "./registry-client.ts";
import type { Call, Session } from "./session.ts";

/** What the specification asks every registry to take. */
const manifestLimitBytes = 4 << 20;

const accepted = [
  mediaTypes.index,
  mediaTypes.manifest,
  mediaTypes.dockerManifestList,
  mediaTypes.dockerManifest,
].join(", ");

/** See `RegistryClient.findManifest`. A body that breaks off is fetched again. */
export async function findManifest(
  session: Session,
  reference: Reference,
  options: CallOptions = {},
): Promise<FetchedManifest | undefined> {
  const call = manifestCall(reference, "GET", options);
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { response, endpoint } = await session.requestOnce(call);
      if (response.statusCode === 404) {
        await drain(response);
        return undefined;
      }
      const bytes = await readBody(response, manifestLimitBytes);
      return { bytes, descriptor: verify(reference, response, bytes), from: endpoint.url.host };
    } catch (error) {
      if (error instanceof BodyTooLong) throw tooLong(reference);
      await session.beforeRetry(call, attempt, error);
    }
  }
}

/** See `RegistryClient.findDescriptor`. Where HEAD tells no digest, the manifest itself is fetched. */
export async function findDescriptor(
  session: Session,
  reference: Reference,
  options: CallOptions & { readonly access?: "pull" | "push" } = {},
): Promise<Descriptor | undefined> {
  const { response } = await session.request({
    ...manifestCall(reference, "HEAD", options),
    ...(options.access === "push" && pushAccess(reference)),
  });
  response.resume();
  if (response.statusCode === 404) return undefined;
  const digest = headerOf(response, "docker-content-digest") ?? "";
  const size = Number(headerOf(response, "content-length"));
  const mediaType = mediaTypeOf(response);
  if (isDigest(digest) && Number.isSafeInteger(size) && mediaType !== undefined)
    return { mediaType, digest, size };
  return (await findManifest(session, reference, options))?.descriptor;
}

/** @returns whether the registry keeps the list of referrers itself */
export async function putManifest(
  session: Session,
  reference: Reference,
  manifest: PushedManifest,
  options: CallOptions = {},
): Promise<{ readonly listsSubject: boolean }> {
  const digest = digestOf(manifest.bytes);
  const call: Call = {
    ...manifestCall(reference, "PUT", options),
    ...pushAccess(reference),
    headers: { "Content-Type": manifest.mediaType, "Content-Length": manifest.bytes.length },
    body: () => manifest.bytes,
    accept: [201, 200, 202],
  };
  const { response } = await session.request(call);
  await drain(response);
  const stored = headerOf(response, "docker-content-digest");
  if (stored !== undefined && stored !== digest)
    throw new LighterError(
      "DIGEST_MISMATCH",
      `cannot push "${familiarReference(reference)}": the registry stored ${stored}, ${digest} was sent; ask who runs it`,
      { details: { expected: digest, actual: stored } },
    );
  return { listsSubject: headerOf(response, "oci-subject") !== undefined };
}

function manifestCall(reference: Reference, method: "GET" | "HEAD" | "PUT", options: CallOptions): Call {
  return {
    purpose: `pull "${familiarReference(reference)}"`,
    registry: reference.registry,
    access: "pull",
    method,
    path: `${reference.repository}/manifests/${reference.digest ?? reference.tag ?? "latest"}`,
    scopes: [`repository:${reference.repository}:pull`],
    headers: { Accept: accepted },
    accept: [200, 404],
    ...(options.signal && { signal: options.signal }),
  };
}

function pushAccess(reference: Reference): Pick<Call, "purpose" | "access" | "scopes"> {
  return {
    purpose: `push "${familiarReference(reference)}"`,
    access: "push",
    scopes: [`repository:${reference.repository}:pull,push`],
  };
}

function verify(reference: Reference, response: IncomingMessage, bytes: Uint8Array): Descriptor {
  const digest = digestOf(bytes);
  const said = headerOf(response, "docker-content-digest");
  const expected = reference.digest ?? (said !== undefined && isDigest(said) ? said : digest);
  if (digest !== expected)
    throw new LighterError(
      "DIGEST_MISMATCH",
      `cannot pull "${familiarReference(reference)}": the manifest that came is ${digest}, not ${expected}; try again, or ask who runs the registry`,
      { details: { expected, actual: digest } },
    );
  return {
    mediaType: innerMediaType(reference, bytes) ?? mediaTypeOf(response) ?? mediaTypes.manifest,
    digest,
    size: bytes.length,
  };
}

/** The document's own word; one of the first schema has none that is supported. */
function innerMediaType(reference: Reference, bytes: Uint8Array): string | undefined {
  const document = parse(reference, bytes);
  if (document["schemaVersion"] !== 2)
    throw new LighterError(
      "IMAGE_INVALID",
      `cannot pull "${familiarReference(reference)}": its manifest has schema version ${String(document["schemaVersion"])}; only version 2 is supported, so push it again with a newer docker`,
    );
  if (typeof document["mediaType"] === "string" && document["mediaType"] !== "") return document["mediaType"];
  return Array.isArray(document["manifests"]) ? mediaTypes.index : mediaTypes.manifest;
}

function parse(reference: Reference, bytes: Uint8Array): Record<string, unknown> {
  let why = "it is no object";
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    why = errorMessage(error);
  }
  throw new LighterError(
    "IMAGE_INVALID",
    `cannot pull "${familiarReference(reference)}": its manifest is not usable (${why}); ask who runs the registry`,
  );
}

function mediaTypeOf(response: IncomingMessage): string | undefined {
  const type = headerOf(response, "content-type")?.split(";")[0]?.trim();
  return type === undefined || type === "" || type === "application/json" ? undefined : type;
}

function tooLong(reference: Reference): LighterError {
  return new LighterError(
    "SIZE_MISMATCH",
    `cannot pull "${familiarReference(reference)}": its manifest is longer than ${manifestLimitBytes} bytes; no registry may ask for that`,
  );
}
