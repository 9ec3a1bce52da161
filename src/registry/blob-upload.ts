import { Readable } from "node:stream";
import { isLighterError } from "#base";
import { hasBlob } from "./blob-download.ts";
import { drain, headerOf } from "./http/body.ts";
import type { BlobSource, PushOptions, PushOutcome, Repository } from "./registry-client.ts";
import type { Answer, Call, Session } from "./session.ts";

/** An upload that the registry has opened. */
interface Upload {
  /** Where the next piece goes; changes with each. */
  readonly url: URL;
  /** Bytes that the registry has. */
  readonly at: number;
  /** Registries may ask for pieces of at least this length. */
  readonly leastBytes: number;
}

interface Work {
  readonly session: Session;
  readonly repository: Repository;
  readonly blob: BlobSource;
  readonly options: PushOptions;
  readonly chunkBytes: number;
}

/** See `RegistryClient.pushBlob`. Small blobs go in one request; large ones in pieces that go on where the line broke. */
export async function pushBlob(work: Work): Promise<PushOutcome> {
  const { repository, options } = work;
  if (await isThere(work)) return "existed";
  for (const from of options.mountFrom ?? []) {
    if (from === repository.repository) continue;
    if ((await openUpload(work, from)) === undefined) return "mounted";
  }
  await upload(work);
  return "uploaded";
}

function isThere({ session, repository, blob, options }: Work): Promise<boolean> {
  return hasBlob(session, repository, blob.descriptor.digest, { ...options, access: "push" });
}

async function upload(work: Work): Promise<void> {
  const { session, blob, chunkBytes } = work;
  const call = baseCall(work);
  for (let attempt = 0; ; attempt += 1) {
    try {
      // An answer may have been lost on its way: then the blob is there already.
      if (attempt > 0 && (await isThere(work))) return;
      const opened = await openUpload(work, undefined);
      if (opened === undefined) return;
      // The second time all at once: some registries take no pieces, or lose count of them.
      if (blob.descriptor.size <= chunkBytes || attempt > 0) return await sendWhole(work, opened);
      return await sendPieces(work, opened);
    } catch (error) {
      const isFirst = attempt === 0 && blob.descriptor.size > chunkBytes;
      if (isFirst && isLighterError(error, "REGISTRY_FAILED", "MANIFEST_NOT_FOUND")) continue;
      await session.beforeRetry(call, attempt, error);
    }
  }
}

/** Opens an upload, or mounts the blob. @returns undefined when the registry has the blob now */
async function openUpload(work: Work, from: string | undefined): Promise<Upload | undefined> {
  const { digest } = work.blob.descriptor;
  const name = work.repository.repository;
  const query = from === undefined ? "" : `?${new URLSearchParams({ mount: digest, from }).toString()}`;
  const answer = await work.session.request({
    ...baseCall(work),
    method: "POST",
    path: `${name}/blobs/uploads/${query}`,
    scopes: [`repository:${name}:pull,push`, ...(from === undefined ? [] : [`repository:${from}:pull`])],
    headers: { "Content-Length": 0 },
    accept: [201, 202],
  });
  await drain(answer.response);
  if (answer.response.statusCode === 201) return undefined;
  return {
    url: locationOf(answer),
    at: 0,
    leastBytes: Number(headerOf(answer.response, "oci-chunk-min-length") ?? 0),
  };
}

async function sendWhole(work: Work, { url }: Upload): Promise<void> {
  const { blob, session } = work;
  const { size, digest } = blob.descriptor;
  const target = new URL(url);
  target.searchParams.set("digest", digest);
  const { response } = await session.requestOnce({
    ...baseCall(work),
    method: "PUT",
    path: target,
    headers: { "Content-Type": "application/octet-stream", "Content-Length": size },
    body: () => streamOf(blob.open(0), work.options.onSent),
    accept: [201, 204],
  });
  await drain(response);
  work.options.onSent?.(size);
}

async function sendPieces(work: Work, opened: Upload): Promise<void> {
  const { session, blob, options } = work;
  let state = opened;
  for (let attempt = 0; state.at < blob.descriptor.size; attempt += 1) {
    const before = state.at;
    try {
      state = await sendPiece(work, state);
    } catch (error) {
      await session.beforeRetry(baseCall(work), attempt, error);
      state = await askState(work, state);
    }
    if (state.at > before) attempt = -1;
    options.onSent?.(state.at);
  }
  await finish(work, state);
}

async function sendPiece(work: Work, state: Upload): Promise<Upload> {
  const { blob, session, chunkBytes } = work;
  const length = Math.min(Math.max(chunkBytes, state.leastBytes), blob.descriptor.size - state.at);
  const answer = await session.requestOnce({
    ...baseCall(work),
    method: "PATCH",
    path: state.url,
    headers: {
      "Content-Type": "application/octet-stream",
      "Content-Length": length,
      "Content-Range": `${state.at}-${state.at + length - 1}`,
    },
    body: () => streamOf(take(blob.open(state.at), length), (sent) => work.options.onSent?.(state.at + sent)),
    accept: [202, 204],
  });
  await drain(answer.response);
  return { ...state, url: locationOf(answer, state.url), at: rangeEnd(answer) ?? state.at + length };
}

/** What the registry has of a broken upload. @throws when it has forgotten all of it */
async function askState(work: Work, state: Upload): Promise<Upload> {
  const answer = await work.session.request({
    ...baseCall(work),
    method: "GET",
    path: state.url,
    accept: [204, 202, 200],
  });
  await drain(answer.response);
  return { ...state, url: locationOf(answer, state.url), at: rangeEnd(answer) ?? 0 };
}

async function finish(work: Work, state: Upload): Promise<void> {
  const target = new URL(state.url);
  target.searchParams.set("digest", work.blob.descriptor.digest);
  const call = {
    ...baseCall(work),
    method: "PUT" as const,
    path: target,
    headers: { "Content-Length": 0 },
    accept: [201, 204],
  };
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await work.session.requestOnce(call);
      return await drain(answer.response);
    } catch (error) {
      if (await isThere(work)) return;
      await work.session.beforeRetry(call, attempt, error);
    }
  }
}

/** The end of what the registry has. `0-0` stands for nothing (and for a single byte, which no piece is). */
function rangeEnd({ response }: Answer): number | undefined {
  const match = /^(?:bytes=)?0-(\d+)$/.exec(headerOf(response, "range") ?? "");
  if (match?.[1] === undefined) return undefined;
  const last = Number(match[1]);
  return last === 0 ? 0 : last + 1;
}

function locationOf(answer: Answer, otherwise?: URL): URL {
  const { location } = answer.response.headers;
  if (location !== undefined && URL.canParse(location, answer.url.href)) return new URL(location, answer.url);
  if (otherwise !== undefined) return otherwise;
  throw new Error("it opens an upload without saying where");
}

function baseCall({ repository, blob, options }: Work): Call {
  return {
    purpose: `push blob "${blob.descriptor.digest}"`,
    registry: repository.registry,
    access: "push",
    method: "GET",
    path: "",
    scopes: [`repository:${repository.repository}:pull,push`],
    accept: [],
    ...(options.signal && { signal: options.signal }),
  };
}

async function* take(
  chunks: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = length;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

function streamOf(
  chunks: AsyncIterable<Uint8Array>,
  onSent: ((sentBytes: number) => void) | undefined,
): Readable {
  const counted = async function* () {
    let sent = 0;
    for await (const chunk of chunks) {
      yield chunk;
      sent += chunk.length;
      onSent?.(sent);
    }
  };
  return Readable.from(counted(), { objectMode: false });
}
