import type { IncomingMessage } from "node:http";
import { isLighterError, LighterError } from "#base";
import { type Descriptor, type Digest, Digester } from "#oci";
import { headerOf } from "./http/body.ts";
import type { CallOptions, FetchOptions, Repository } from "./registry-client.ts";
import type { Call, Session } from "./session.ts";

/** See `RegistryClient.fetchBlob`. */
export async function* fetchBlob(
  session: Session,
  repository: Repository,
  blob: Descriptor,
  options: FetchOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = options.offsetBytes ?? 0;
  // The size of an empty blob is no reason not to ask whether it is there.
  for (let attempt = 0; at < blob.size || blob.size === 0; attempt += 1) {
    const call = blobCall(repository, blob.digest, { at, signal: options.signal });
    const before = at;
    let failure: unknown;
    try {
      const { response } = await session.requestOnce(call);
      for await (const chunk of bodyFrom(response, { blob, at })) {
        at += chunk.length;
        yield chunk;
      }
      if (at === blob.size) return;
      failure = new Error(`the connection ended after ${at} of ${blob.size} bytes`);
    } catch (error) {
      failure = error;
    }
    if (isLighterError(failure, "MANIFEST_NOT_FOUND")) throw notFound(call, blob.digest);
    if (at > before) attempt = 0;
    await session.beforeRetry(call, attempt, failure);
  }
}

/** See `RegistryClient.hasBlob`. */
export async function hasBlob(
  session: Session,
  repository: Repository,
  digest: Digest,
  options: CallOptions & { readonly access?: "pull" | "push" } = {},
): Promise<boolean> {
  const access = options.access ?? "pull";
  const { response } = await session.request({
    ...blobCall(repository, digest, { at: 0, signal: options.signal }),
    method: "HEAD",
    access,
    scopes: [`repository:${repository.repository}:${access === "push" ? "pull,push" : "pull"}`],
    accept: [200, 404],
  });
  response.resume();
  return response.statusCode === 200;
}

/** Passes chunks on and fails at the end when they are not the blob's. @throws DIGEST_MISMATCH */
export async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  blob: Descriptor,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = new Digester();
  for await (const chunk of chunks) {
    digester.update(chunk);
    yield chunk;
  }
  const actual = digester.digest();
  if (actual !== blob.digest)
    throw new LighterError(
      "DIGEST_MISMATCH",
      `cannot use blob "${blob.digest}": the bytes that came are those of ${actual}; fetch it again`,
      { details: { expected: blob.digest, actual } },
    );
}

function blobCall(
  repository: Repository,
  digest: Digest,
  part: { readonly at: number; readonly signal: AbortSignal | undefined },
): Call {
  return {
    purpose: `pull blob "${digest}"`,
    registry: repository.registry,
    access: "pull",
    method: "GET",
    path: `${repository.repository}/blobs/${digest}`,
    scopes: [`repository:${repository.repository}:pull`],
    headers: { "Accept-Encoding": "identity", ...(part.at > 0 && { Range: `bytes=${part.at}-` }) },
    accept: [200, 206],
    ...(part.signal && { signal: part.signal }),
  };
}

/** The body from `at` on, and not a byte more than the blob has. A registry that knows no ranges begins at 0. */
async function* bodyFrom(
  response: IncomingMessage,
  { blob, at }: { readonly blob: Descriptor; readonly at: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    let skip = at - startOf(response, blob);
    let left = blob.size - at;
    for await (const part of response) {
      const chunk = (part as Buffer).subarray(Math.min(skip, (part as Buffer).length));
      skip = Math.max(0, skip - (part as Buffer).length);
      left -= chunk.length;
      if (left < 0) throw wrongSize(blob, "more");
      if (chunk.length > 0) yield chunk;
    }
  } finally {
    if (response.readableEnded) response.resume();
    else response.destroy();
  }
}

/** Where the body begins. Its announced length must be the blob's. */
function startOf(response: IncomingMessage, blob: Descriptor): number {
  if (response.statusCode === 206) {
    const [, start, total] =
      /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headerOf(response, "content-range") ?? "") ?? [];
    if (total !== undefined && total !== "*" && Number(total) !== blob.size) throw wrongSize(blob, total);
    if (start === undefined) throw new Error("it sends a part without saying which");
    return Number(start);
  }
  const length = headerOf(response, "content-length");
  if (length !== undefined && Number(length) !== blob.size) throw wrongSize(blob, length);
  return 0;
}

function wrongSize(blob: Descriptor, actual: string): LighterError {
  return new LighterError(
    "SIZE_MISMATCH",
    `cannot pull blob "${blob.digest}": its manifest says ${blob.size} bytes, the registry has ${actual}; ask who runs it`,
    { details: { digest: blob.digest, expected: blob.size } },
  );
}

function notFound({ registry }: Call, digest: Digest): LighterError {
  return new LighterError(
    "BLOB_NOT_FOUND",
    `cannot pull blob "${digest}": registry "${registry}" does not have it; the image has to be pushed again`,
    { details: { digest } },
  );
}
