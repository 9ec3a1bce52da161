import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isLighterError, LighterError } from "#base";
import { PackagesIndex, parseRelease, type Release, type ReleaseFile } from "#debian";
import type { Codecs } from "#host";
import type { ArchiveKey } from "../keys/debian-archive.ts";
import { writeWhole } from "../write-whole.ts";
import type { HttpClient } from "./http-client.ts";
import { BodyTooLarge, readBody } from "./read-body.ts";
import type { SuiteSource } from "./suite.ts";
import { verifyClearSigned } from "./verify-release.ts";

/** How lists are fetched and kept. */
export interface ListsOptions {
  /** Folder for the lists of all suites. */
  readonly folder: string;
  readonly client: HttpClient;
  readonly codecs: Codecs;
  readonly keys: readonly ArchiveKey[];
  readonly now: () => Date;
  /** How long a list is used without asking the mirror again. */
  readonly maxAgeMs: number;
  /** Told when kept lists are used because the mirror does not answer. */
  readonly onWarning: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** A suite whose Release file has been checked. */
export interface VerifiedRelease {
  readonly source: SuiteSource;
  readonly release: Release;
  /** Hexadecimal SHA-256 of InRelease: names this state of the suite. */
  readonly digest: string;
}

const releaseLimitBytes = 8 << 20;
const indexLimitBytes = 1 << 30;

/**
 * The Release file of a suite: from the mirror, or the kept one while it is fresh or when the mirror does not answer.
 * The signature is checked of every file that comes from a mirror, and again when the known keys are others; a kept one is
 * held to the digest that it had then. A file older than the kept one is refused.
 * @throws SIGNATURE_INVALID, RELEASE_EXPIRED, INDEX_INVALID, MIRROR_UNREACHABLE
 */
export async function loadRelease(source: SuiteSource, options: ListsOptions): Promise<VerifiedRelease> {
  const kept = findKept(source, options);
  const ageMs = kept === undefined ? Number.POSITIVE_INFINITY : options.now().getTime() - kept.checkedMs;
  if (kept !== undefined && ageMs >= 0 && ageMs < options.maxAgeMs) {
    const verified = await verifyKept(source, kept, options);
    if (!isExpired(verified.release, options)) return verified;
  }
  try {
    return await refresh(source, kept, options);
  } catch (error) {
    if (kept === undefined || !isLighterError(error, "MIRROR_UNREACHABLE")) throw error;
    const verified = await verifyKept(source, kept, options);
    rejectExpired(verified, options);
    const day = new Date(verified.release.dateMs).toISOString().slice(0, 10);
    options.onWarning(`${source.suite}: the mirror does not answer; using the package lists of ${day}`);
    return verified;
  }
}

/**
 * The index of a suite's packages for one architecture, checked against its Release file.
 * @throws INDEX_INVALID, MIRROR_UNREACHABLE
 */
export async function loadIndex(
  { source, release }: VerifiedRelease,
  architecture: string,
  options: ListsOptions,
): Promise<PackagesIndex> {
  const path = `${source.component}/binary-${architecture}/Packages`;
  const plain = release.files.get(path);
  const packed = [".xz", ".gz", ""].flatMap((suffix) => release.files.get(path + suffix) ?? [])[0];
  if (plain === undefined || packed === undefined)
    throw new LighterError(
      "INDEX_INVALID",
      `cannot use "${source.suite}": it has no packages for ${architecture}; its architectures are ${release.architectures.join(", ")}`,
    );
  const folder = folderOf(source, options);
  const name = `Packages-${architecture}-${plain.sha256.slice(0, 16)}`;
  const kept = readIfMatching(join(folder, name), plain);
  if (kept !== undefined) return new PackagesIndex(kept, architecture);
  const bytes = await fetchIndex(source, release, { plain, packed }, options);
  removeOthers(folder, `Packages-${architecture}-`, name);
  writeWhole(join(folder, name), bytes);
  return new PackagesIndex(bytes, architecture);
}

interface Kept {
  readonly text: string;
  /** What was signed of it, and a digest of both and of the keys that were known when the signature was checked. */
  readonly signed?: string;
  readonly proof?: string;
  readonly checkedMs: number;
  readonly etag?: string;
  readonly lastModified?: string;
}

async function refresh(
  source: SuiteSource,
  kept: Kept | undefined,
  options: ListsOptions,
): Promise<VerifiedRelease> {
  const url = releaseUrl(source);
  const headers: Record<string, string> = {
    ...(kept?.etag !== undefined && { "If-None-Match": kept.etag }),
    ...(kept?.lastModified !== undefined && { "If-Modified-Since": kept.lastModified }),
  };
  const fetched = await options.client.get(
    url,
    async (response): Promise<Omit<Kept, "checkedMs">> => {
      const { statusCode } = response;
      if (statusCode === 304 && kept !== undefined) return kept;
      if (statusCode !== 200) throw missing(url, statusCode);
      const { etag, "last-modified": lastModified } = response.headers;
      const text = (await readBody(response, releaseLimitBytes)).toString("utf8");
      return {
        text,
        ...(etag !== undefined && { etag }),
        ...(lastModified !== undefined && { lastModified }),
      };
    },
    { headers: () => headers, ...(options.signal && { signal: options.signal }) },
  );
  const verified = await verify(source, fetched.text, options);
  rejectExpired(verified, options);
  await rejectOlder(verified, kept, options);
  const { text } = fetched;
  const { signed } = verified;
  const proof = proofOf(text, signed, options);
  keep(source, { ...fetched, signed, proof, checkedMs: options.now().getTime() }, options);
  return verified;
}

/** Checking three signatures takes longer than assembling a small image: of a kept file it is done once. */
async function verifyKept(source: SuiteSource, kept: Kept, options: ListsOptions): Promise<VerifiedRelease> {
  const { text, signed, proof } = kept;
  if (signed === undefined || proof !== proofOf(text, signed, options))
    return await verify(source, text, options);
  return describe(source, text, signed);
}

function proofOf(text: string, signed: string, { keys }: ListsOptions): string {
  const facts = [text, signed, ...keys.flatMap(({ fingerprint, base64 }) => [fingerprint, base64])];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

async function verify(
  source: SuiteSource,
  text: string,
  options: ListsOptions,
): Promise<VerifiedRelease & { readonly signed: string }> {
  const place = releaseUrl(source);
  const signed = await verifyClearSigned(text, { place, keys: options.keys, now: options.now() });
  return { ...describe(source, text, signed), signed };
}

function describe(source: SuiteSource, text: string, signed: string): VerifiedRelease {
  const place = releaseUrl(source);
  const release = parseRelease(signed);
  if (release.codename !== source.suite && release.suite !== source.suite)
    throw new LighterError(
      "INDEX_INVALID",
      `cannot use "${place}": it is the Release file of "${release.codename ?? release.suite ?? ""}", not of "${source.suite}"`,
    );
  return { source, release, digest: createHash("sha256").update(text).digest("hex") };
}

function isExpired(release: Release, options: ListsOptions): boolean {
  return release.validUntilMs !== undefined && options.now().getTime() > release.validUntilMs;
}

/** Without this, a mirror could hide security updates by serving an old state for ever. */
function rejectExpired({ source, release }: VerifiedRelease, options: ListsOptions): void {
  if (!isExpired(release, options)) return;
  const until = new Date(release.validUntilMs ?? 0).toISOString().slice(0, 10);
  throw new LighterError(
    "RELEASE_EXPIRED",
    `cannot use "${releaseUrl(source)}": it was valid until ${until}; use a mirror that is up to date, and check this machine's clock`,
  );
}

async function rejectOlder(
  fetched: VerifiedRelease,
  kept: Kept | undefined,
  options: ListsOptions,
): Promise<void> {
  if (kept === undefined) return;
  const before = await verifyKept(fetched.source, kept, options).catch(() => undefined);
  if (before === undefined || fetched.release.dateMs >= before.release.dateMs) return;
  const [now, then] = [fetched, before].map(({ release }) => new Date(release.dateMs).toISOString());
  throw new LighterError(
    "RELEASE_EXPIRED",
    `cannot use "${releaseUrl(fetched.source)}": it is of ${now}, older than the one of ${then} seen before; use a mirror that is up to date`,
  );
}

async function fetchIndex(
  source: SuiteSource,
  release: Release,
  { plain, packed }: { readonly plain: ReleaseFile; readonly packed: ReleaseFile },
  options: ListsOptions,
): Promise<Uint8Array> {
  const bytes = await fetchListed({ source, release }, packed, options);
  const url = addressOf({ source, release }, packed);
  const unpacked = await decode(bytes, { plain, packed, url }, options.codecs);
  if (!matches(unpacked, plain))
    throw indexInvalid(url, "unpacked, it is not what the signed Release file names");
  return unpacked;
}

/**
 * A file that a Release file names, checked against it.
 * @throws INDEX_INVALID, MIRROR_UNREACHABLE
 */
export async function fetchListed(
  from: Pick<VerifiedRelease, "source" | "release">,
  file: ReleaseFile,
  options: Pick<ListsOptions, "client" | "signal">,
): Promise<Uint8Array> {
  const url = addressOf(from, file);
  const bytes = await options.client.get(
    url,
    async (response) => {
      if (response.statusCode !== 200) throw missing(url, response.statusCode);
      return await readBody(response, Math.min(file.sizeBytes, indexLimitBytes)).catch((error: unknown) => {
        throw error instanceof BodyTooLarge ? indexInvalid(url, error.message) : error;
      });
    },
    options.signal && { signal: options.signal },
  );
  if (!matches(bytes, file))
    throw indexInvalid(url, "its bytes are not those that the signed Release file names");
  return bytes;
}

/** By its digest where the archive offers that: an update in between does no harm. */
function addressOf(
  { source, release }: Pick<VerifiedRelease, "source" | "release">,
  { path, sha256 }: ReleaseFile,
): string {
  const folder = path.slice(0, path.lastIndexOf("/"));
  return `${source.url}/dists/${source.suite}/${release.hasByHash ? `${folder}/by-hash/SHA256/${sha256}` : path}`;
}

async function decode(
  bytes: Uint8Array,
  { plain, packed, url }: { readonly plain: ReleaseFile; readonly packed: ReleaseFile; readonly url: string },
  codecs: Codecs,
): Promise<Uint8Array> {
  const { path } = packed;
  try {
    if (path.endsWith(".xz")) return await codecs.xz(bytes, { sizeBytes: plain.sizeBytes });
    if (!path.endsWith(".gz")) return bytes;
    const { gunzipSync } = await import("node:zlib");
    return gunzipSync(bytes, { maxOutputLength: indexLimitBytes });
  } catch (cause) {
    throw indexInvalid(url, "it does not decompress", cause);
  }
}

function matches(bytes: Uint8Array, file: ReleaseFile): boolean {
  return bytes.length === file.sizeBytes && createHash("sha256").update(bytes).digest("hex") === file.sha256;
}

function indexInvalid(url: string, why: string, cause?: unknown): LighterError {
  return new LighterError("INDEX_INVALID", `cannot use "${url}": ${why}; try again, or name another mirror`, {
    cause,
    details: { url },
  });
}

function missing(url: string, status: number | undefined): LighterError {
  return new LighterError(
    "MIRROR_UNREACHABLE",
    `cannot download "${url}": the mirror answers ${status}; check the mirror's address`,
    { details: { url, status } },
  );
}

function releaseUrl({ url, suite }: SuiteSource): string {
  return `${url}/dists/${suite}/InRelease`;
}

function folderOf(source: SuiteSource, { folder }: ListsOptions): string {
  const readable = `${source.url.replace(/^https?:\/\//, "")}_${source.suite}`.replace(
    /[^A-Za-z0-9.-]+/g,
    "_",
  );
  return join(folder, readable);
}

function findKept(source: SuiteSource, options: ListsOptions): Kept | undefined {
  try {
    return JSON.parse(readFileSync(join(folderOf(source, options), "InRelease.json"), "utf8")) as Kept;
  } catch {
    return undefined;
  }
}

function keep(source: SuiteSource, kept: Kept, options: ListsOptions): void {
  const folder = folderOf(source, options);
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, "InRelease.json"), Buffer.from(JSON.stringify(kept)));
}

function readIfMatching(path: string, file: ReleaseFile): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    return matches(bytes, file) ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function removeOthers(folder: string, prefix: string, name: string): void {
  for (const other of readdirSync(folder))
    if (other.startsWith(prefix) && other !== name) rmSync(join(folder, other), { force: true });
}
