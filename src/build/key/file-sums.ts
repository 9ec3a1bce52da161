import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, statfsSync } from "node:fs";
import { LighterError } from "#base";
import type { Files } from "#host";
import type { Entry } from "../tree/tree.ts";
import type { FilePool } from "../work/file-pool.ts";
import type { SumJob } from "../work/file-work.ts";

/** Files above this are summed in parts of this length, so that several threads share one file. */
export const partBytes = 8 << 20;

// Below these, starting threads costs more than it saves.
const worthFiles = 5000;
const worthBytes = 64 << 20;

export interface SumOptions {
  readonly pool: FilePool;
  readonly files: Pick<Files, "findData">;
  /** A directory of the store. */
  readonly store: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sums of the bytes of regular files, worked out on several threads; empty when it is too little for that. Holes are not read.
 * @throws STORE_FULL when a file is longer than the disk of the store, though it be all holes: its layer is not
 */
export async function sumFiles(
  entries: readonly Entry[],
  { pool, files: host, store, signal }: SumOptions,
): Promise<ReadonlyMap<Entry, string>> {
  const files = entries.filter(({ kind }) => kind === "file");
  const bytes = files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  if (files.length < worthFiles && bytes < worthBytes) return new Map();
  checkLengths(files, store);
  const parts = files.map((file) => partsOf(file, host));
  const sums = await pool.sum(
    parts.flatMap((each) => each.filter((part) => part !== hole)),
    signal,
  );
  const result = new Map<Entry, string>();
  let at = 0;
  for (const [place, entry] of files.entries())
    result.set(
      entry,
      joinParts((parts[place] ?? []).map((part) => (part === hole ? holeSum() : (sums[at++] ?? "")))),
    );
  return result;
}

function checkLengths(files: readonly Entry[], store: string): void {
  const { blocks, bsize } = statfsSync(store);
  const long = files.find(({ sizeBytes }) => blocks > 0 && sizeBytes > blocks * bsize);
  if (long === undefined) return;
  throw new LighterError(
    "STORE_FULL",
    `cannot take "${long.location}": its ${long.sizeBytes} bytes are more than the disk of the store holds; leave it out, or use --root on a larger one`,
  );
}

/** A part that is all hole: its sum is that of as many zeros. */
const hole = "hole";

let zeroSum: string | undefined;

function holeSum(): string {
  zeroSum ??= sumText(Buffer.alloc(partBytes));
  return zeroSum;
}

function partsOf(
  { location, sizeBytes }: Entry,
  host: Pick<Files, "findData">,
): readonly (SumJob | typeof hole)[] {
  const count = Math.max(1, Math.ceil(sizeBytes / partBytes));
  const jobOf = (part: number): SumJob => ({
    path: location,
    offsetBytes: part * partBytes,
    sizeBytes: part === count - 1 ? sizeBytes - part * partBytes : partBytes,
    isLast: part === count - 1,
  });
  if (count === 1) return [jobOf(0)];
  const fd = openSync(location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (fstatSync(fd).blocks * 512 >= sizeBytes)
      return Array.from({ length: count }, (_, part) => jobOf(part));
    let data = -1;
    return Array.from({ length: count }, (_, part) => {
      if (data < part * partBytes) data = host.findData(fd, part * partBytes);
      // The last part is read to the end, wherever that is by then.
      return part < count - 1 && data >= (part + 1) * partBytes ? hole : jobOf(part);
    });
  } finally {
    closeSync(fd);
  }
}

/** The sum of a file from those of its parts: one of several says so, for a file may hold what is hashed here. */
export function joinParts(parts: readonly string[]): string {
  const [only = ""] = parts;
  return parts.length === 1 ? only : `${parts.length}:${sumText(parts.join(""))}`;
}

/** The hash of all sums. */
export function sumText(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}
