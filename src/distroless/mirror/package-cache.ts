import { createHash } from "node:crypto";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { LighterError, Limit, type OnProgress } from "#base";
import type { BinaryPackage } from "#debian";
import { storeError } from "../write-whole.ts";
import type { HttpClient } from "./http-client.ts";

/** A package together with the archive that has it. */
export interface LocatedPackage {
  readonly candidate: BinaryPackage;
  /** Address below which its `Filename` stands. */
  readonly url: string;
}

export interface FetchOptions {
  /** Told of bytes that are there; of a negative number when some have to be fetched again. */
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Downloaded .debs, by digest. Whoever downloads holds the folder's lock: one process at a time fills it, so a partial
 * file has one writer. What a killed download left is continued, not begun again.
 */
export class PackageCache {
  readonly #folder: string;
  readonly #client: HttpClient;
  readonly #slots: Limit;
  /** Downloads that are under way, by digest. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: { readonly folder: string; readonly client: HttpClient; readonly width?: number }) {
    this.#folder = options.folder;
    this.#client = options.client;
    this.#slots = new Limit(options.width ?? 12);
    mkdirSync(this.#folder, { recursive: true });
  }

  /**
   * Downloads a package unless it is kept. A second call for the same package waits for the first.
   * @throws PACKAGE_INVALID, MIRROR_UNREACHABLE, STORE_FULL, CANCELLED
   */
  async fetch(located: LocatedPackage, options: FetchOptions = {}): Promise<void> {
    const { candidate } = located;
    const kept = statSync(this.#path(candidate), { throwIfNoEntry: false });
    if (kept?.size === candidate.sizeBytes) {
      // Pruning goes by when a package was used last.
      const now = Date.now() / 1000;
      utimesSync(this.#path(candidate), now, now);
      options.onBytes?.(kept.size);
      return;
    }
    const running =
      this.#running.get(candidate.sha256) ??
      this.#slots
        .run(() => this.#download(located, options))
        .finally(() => this.#running.delete(candidate.sha256));
    this.#running.set(candidate.sha256, running);
    await running;
  }

  /** The package's bytes, fetched when they are not kept or are damaged. @throws as {@link PackageCache.fetch} */
  async read(located: LocatedPackage, options: FetchOptions = {}): Promise<Buffer> {
    await this.fetch(located, options);
    const path = this.#path(located.candidate);
    const bytes = readFileSync(path);
    if (isWhole(bytes, located.candidate)) return bytes;
    rmSync(path, { force: true });
    await this.fetch(located, options);
    return readFileSync(path);
  }

  async #download(located: LocatedPackage, options: FetchOptions): Promise<void> {
    const { candidate } = located;
    const url = `${located.url}/${candidate.filename}`;
    const partial = `${this.#path(candidate)}.part`;
    // What an earlier run left may itself be damaged: when the whole does not match, it is fetched once more from the start.
    for (;;) {
      const isContinued = await this.#fill(url, partial, { candidate, ...options });
      const bytes = readFileSync(partial);
      if (isWhole(bytes, candidate)) return renameSync(partial, this.#path(candidate));
      rmSync(partial, { force: true });
      options.onBytes?.(-bytes.length);
      if (!isContinued)
        throw packageInvalid(url, "its bytes are not those that the signed package list names");
    }
  }

  /** Fills the partial file; returns whether some of it was there before. */
  async #fill(
    url: string,
    partial: string,
    options: FetchOptions & { readonly candidate: BinaryPackage },
  ): Promise<boolean> {
    const { candidate, onBytes, signal } = options;
    const fd = openSync(partial, "a+", 0o644);
    try {
      const start = fstatSync(fd).size;
      onBytes?.(start);
      if (start < candidate.sizeBytes)
        await this.#client.get(
          url,
          (response) => receive(response, fd, { url, candidate, ...(onBytes && { onBytes }) }),
          {
            headers: () => rangeFrom(fstatSync(fd).size),
            ...(signal && { signal }),
          },
        );
      fsyncSync(fd);
      return start > 0;
    } catch (error) {
      throw storeError(partial, error);
    } finally {
      closeSync(fd);
    }
  }

  #path({ sha256 }: BinaryPackage): string {
    return join(this.#folder, `${sha256}.deb`);
  }
}

/** Downloads every package that is not kept yet, many at once, and reports bytes. @throws as {@link PackageCache.fetch} */
export async function downloadAll(
  cache: PackageCache,
  packages: readonly LocatedPackage[],
  options: { readonly onProgress: OnProgress; readonly signal?: AbortSignal },
): Promise<void> {
  const total = packages.reduce((sum, { candidate }) => sum + candidate.sizeBytes, 0);
  let current = 0;
  const report = (done: boolean) =>
    options.onProgress({
      id: "download packages",
      label: `download ${packages.length} packages`,
      current,
      total,
      unit: "bytes",
      ...(done && { done }),
    });
  await Promise.all(
    packages.map((located) =>
      cache.fetch(located, {
        onBytes: (count) => {
          current += count;
          report(false);
        },
        ...(options.signal && { signal: options.signal }),
      }),
    ),
  );
  current = total;
  report(true);
}

function rangeFrom(start: number): Record<string, string> {
  return start === 0 ? {} : { Range: `bytes=${start}-` };
}

/** Appends a body to the partial file; a mirror that ignores the range starts it anew. */
async function receive(
  response: IncomingMessage,
  fd: number,
  options: {
    readonly url: string;
    readonly candidate: BinaryPackage;
    readonly onBytes?: (count: number) => void;
  },
): Promise<void> {
  const { url, candidate, onBytes } = options;
  const { statusCode } = response;
  let sizeBytes = fstatSync(fd).size;
  if (statusCode === 200 && sizeBytes > 0) {
    ftruncateSync(fd, 0);
    onBytes?.(-sizeBytes);
    sizeBytes = 0;
  } else if (statusCode !== 200 && statusCode !== 206) {
    throw new LighterError(
      "MIRROR_UNREACHABLE",
      `cannot download "${url}": the mirror answers ${statusCode}; it may be in the midst of an update: try again, or name another mirror`,
      { details: { url, status: statusCode } },
    );
  }
  const announced = Number(response.headers["content-length"] ?? Number.NaN);
  if (!Number.isNaN(announced) && sizeBytes + announced !== candidate.sizeBytes)
    throw packageInvalid(
      url,
      `the mirror has ${sizeBytes + announced} bytes where the signed package list says ${candidate.sizeBytes}`,
    );
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > candidate.sizeBytes)
      throw packageInvalid(
        url,
        `the mirror sends more than the ${candidate.sizeBytes} bytes of the signed package list`,
      );
    for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    onBytes?.(chunk.length);
  }
  if (sizeBytes < candidate.sizeBytes) throw new Error("the mirror cut the connection");
}

function isWhole(bytes: Buffer, { sizeBytes, sha256 }: BinaryPackage): boolean {
  return bytes.length === sizeBytes && createHash("sha256").update(bytes).digest("hex") === sha256;
}

function packageInvalid(url: string, why: string): LighterError {
  return new LighterError(
    "PACKAGE_INVALID",
    `cannot use "${url}": ${why}; try again, or name another mirror`,
    {
      details: { url },
    },
  );
}
