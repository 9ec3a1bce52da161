import { createHash } from "node:crypto";
import type { Entry } from "../tree/tree.ts";
import type { FilePool } from "../work/file-pool.ts";
import type { SumJob } from "../work/file-work.ts";

/** Files above this are summed in parts of this length, so that several threads share one file. */
export const partBytes = 8 << 20;

// Below these, starting threads costs more than it saves.
const worthFiles = 5000;
const worthBytes = 64 << 20;

/** Sums of the bytes of regular files, worked out on several threads; empty when it is too little for that. */
export async function sumFiles(
  entries: readonly Entry[],
  pool: FilePool,
  signal?: AbortSignal,
): Promise<ReadonlyMap<Entry, string>> {
  const files = entries.filter(({ kind }) => kind === "file");
  const bytes = files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  if (files.length < worthFiles && bytes < worthBytes) return new Map();
  const jobs = files.map(jobsOf);
  const sums = await pool.sum(jobs.flat(), signal);
  const result = new Map<Entry, string>();
  let at = 0;
  for (const [place, entry] of files.entries()) {
    const count = jobs[place]?.length ?? 0;
    result.set(entry, joinParts(sums.slice(at, at + count)));
    at += count;
  }
  return result;
}

function jobsOf({ location, sizeBytes }: Entry): readonly SumJob[] {
  const count = Math.max(1, Math.ceil(sizeBytes / partBytes));
  return Array.from({ length: count }, (_, part) => ({
    path: location,
    offsetBytes: part * partBytes,
    sizeBytes: part === count - 1 ? sizeBytes - part * partBytes : partBytes,
    isLast: part === count - 1,
  }));
}

/** The sum of a file from those of its parts. */
export function joinParts(parts: readonly string[]): string {
  const [only = ""] = parts;
  return parts.length === 1 ? only : sumText(`parts\n${parts.join("\n")}`);
}

/** BLAKE2b-512, cut to 256 bits. */
export function sumText(text: string): string {
  return createHash("blake2b512").update(text).digest("hex").slice(0, 64);
}
