import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, openSync, readFileSync, utimesSync, writeSync } from "node:fs";
import { join } from "node:path";
import { diskError, errorMessage, LighterError } from "#base";
import { type Digest, Digester } from "#oci";
import type { HttpOp } from "#plan";
import type { WebFile } from "#registry";
import type { ActiveSnapshot, SnapshotName } from "#snapshot";
import { hashKey } from "../solve/keys.ts";
import { timesOfContent } from "../times/time-origin.ts";
import { markUsed } from "../upkeep/last-use.ts";
import { writeRecord } from "../upkeep/write-record.ts";
import type { RemoteOptions, RemoteTree } from "./remote-sources.ts";

/** What a server said about a file that was fetched before. */
interface Validators {
  readonly etag?: string;
  readonly lastModified?: string;
  readonly digest: Digest;
}

/**
 * A file from the web. A known checksum asks nobody; else the server is asked whether the file changed, and it is
 * fetched when it did or when the store no longer has it.
 * @throws SOURCE_UNREACHABLE, DIGEST_MISMATCH
 */
export async function fetchFile(
  op: HttpOp,
  options: RemoteOptions,
  signal: AbortSignal,
): Promise<RemoteTree> {
  const isStored = (digest: Digest): boolean => {
    const snapshot = options.cache.find(idOf(op, digest))?.snapshot;
    return snapshot !== undefined && options.snapshots.find(snapshot) !== undefined;
  };
  if (op.checksum !== undefined && isStored(op.checksum)) return stored(op, op.checksum);
  const file = join(options.directory, `${hashKey(op.url).slice(0, 32)}.json`);
  const known = readValidators(file);
  using response = await request(op, options, {
    signal,
    validators: known !== undefined && isStored(known.digest) ? known : undefined,
  });
  if (response.status === 304 && known !== undefined) return stored(op, checked(op, known.digest));
  const { digest, active } = await download(op, response, { ...options, signal });
  const snapshot = await keep(op, digest, { active, options });
  writeValidators(file, response, digest);
  return {
    id: idOf(op, digest),
    resolved: digest,
    origin: () => timesOfContent,
    make: async () => snapshot,
    isNew: true,
  };
}

/** Mode and name are always the same for one address, so the content is all there is to know. */
function idOf(op: HttpOp, digest: Digest): string {
  return hashKey("http", op.filename, digest);
}

function stored(op: HttpOp, digest: Digest): RemoteTree {
  const make = async (): Promise<never> => {
    throw new LighterError("STORE_CORRUPT", `cannot use "${op.url}": the store lost it while it was in use`);
  };
  return { id: idOf(op, digest), resolved: digest, origin: () => timesOfContent, make };
}

function checked(op: HttpOp, digest: Digest): Digest {
  if (op.checksum === undefined || op.checksum === digest) return digest;
  throw new LighterError("DIGEST_MISMATCH", `digest mismatch ${digest}: ${op.checksum}`, {
    details: { url: op.url },
  });
}

async function request(
  op: HttpOp,
  options: RemoteOptions,
  { signal, validators }: { readonly signal: AbortSignal; readonly validators: Validators | undefined },
): Promise<WebFile> {
  const authorization = findAuthorization(new URL(op.url), options);
  const headers = {
    ...conditionOf(validators),
    ...(authorization !== undefined && { authorization }),
  };
  try {
    const web = await options.web();
    const response = await web.openFile(op.url, { headers, signal });
    if (isSuccess(response.status) || response.status === 304) return response;
    response[Symbol.dispose]();
    throw unreachable(op, `invalid response status ${response.status} ${response.statusText}`.trimEnd());
  } catch (error) {
    if (error instanceof LighterError || signal.aborted) throw error;
    throw unreachable(op, errorMessage(error), error);
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function conditionOf(validators: Validators | undefined): Readonly<Record<string, string>> {
  if (validators?.etag !== undefined) return { "if-none-match": validators.etag };
  if (validators?.lastModified !== undefined) return { "if-modified-since": validators.lastModified };
  return {};
}

/** Credentials come as secrets, as BuildKit takes them: for the host, with or without its port. */
function findAuthorization(url: URL, { findSecret }: RemoteOptions): string | undefined {
  for (const host of new Set([url.host, url.hostname])) {
    const header = findSecret(`HTTP_AUTH_HEADER_${host}`);
    if (header !== undefined) return Buffer.from(header).toString().trim();
    const token = findSecret(`HTTP_AUTH_TOKEN_${host}`);
    if (token !== undefined) return `Bearer ${Buffer.from(token).toString().trim()}`;
  }
  return undefined;
}

function unreachable(op: HttpOp, state: string, cause?: unknown): LighterError {
  return new LighterError("SOURCE_UNREACHABLE", `cannot fetch "${op.url}": ${state}`, { cause });
}

async function download(
  op: HttpOp,
  response: WebFile,
  options: RemoteOptions & { readonly signal: AbortSignal },
): Promise<{ readonly digest: Digest; readonly active: ActiveSnapshot }> {
  const active = options.snapshots.prepare(undefined);
  try {
    const path = join(active.upper, op.filename);
    const digest = await writeBody(op, response, { path, signal: options.signal });
    checked(op, digest);
    chmodSync(path, 0o600);
    const time = Date.parse(headerOf(response, "last-modified") ?? "") / 1000 || 0;
    utimesSync(path, time, time);
    return { digest, active };
  } catch (error) {
    await active[Symbol.asyncDispose]();
    throw error;
  }
}

async function writeBody(
  op: HttpOp,
  response: WebFile,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<Digest> {
  const digester = new Digester();
  const fd = openSync(path, "wx", 0o600);
  try {
    for await (const chunk of response.body) {
      digester.update(chunk);
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof Error && "syscall" in error && error.syscall === "write")
      throw diskError(error, { verb: "keep", object: op.url });
    throw unreachable(op, `the transfer broke off: ${errorMessage(error)}`, error);
  } finally {
    closeSync(fd);
  }
  return digester.digest();
}

async function keep(
  op: HttpOp,
  digest: Digest,
  { active, options }: { readonly active: ActiveSnapshot; readonly options: RemoteOptions },
): Promise<SnapshotName> {
  const snapshot = options.snapshots.commit(active, `remote-${randomBytes(12).toString("hex")}`);
  options.cache.put(idOf(op, digest), {
    id: idOf(op, digest),
    snapshot,
    origin: timesOfContent,
    name: op.url,
  });
  return snapshot;
}

function readValidators(file: string): Validators | undefined {
  try {
    markUsed(file);
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // never fetched, or cut by a crash: it is fetched again
  }
}

function writeValidators(file: string, response: WebFile, digest: Digest): void {
  const etag = headerOf(response, "etag");
  const lastModified = headerOf(response, "last-modified");
  const validators: Validators = {
    digest,
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
  };
  writeRecord(file, JSON.stringify(validators));
}

function headerOf({ headers }: WebFile, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.join(", ");
}
