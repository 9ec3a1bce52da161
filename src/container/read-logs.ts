import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LighterError } from "#base";
import { type ContainerRecord, isLive } from "./container-record.ts";
import type { Parts } from "./parts.ts";

/** One entry: a line, or a part of one that is longer than 16 KiB or has no end yet. */
export interface LogEntry {
  readonly stream: "stdout" | "stderr";
  /** RFC 3339 with nine digits of a second. */
  readonly time: string;
  /** With its newline when it has one. */
  readonly log: string;
}

export interface LogOptions {
  /** Goes on while the container runs. */
  readonly follow?: boolean;
  /** Only the last entries. */
  readonly tail?: number;
  /** RFC 3339 with nine digits, as {@link LogEntry.time}; compared as text. */
  readonly since?: string;
  readonly until?: string;
  readonly signal?: AbortSignal;
}

const chunkBytes = 128 << 10;
const pollMs = 50;
const mostOpenings = 1000;

/** The log of a container, oldest first, across files that were set aside. @throws CONTAINER_INVALID without a log */
export async function* readLogs(
  parts: Parts,
  record: ContainerRecord,
  options: LogOptions = {},
): AsyncGenerator<LogEntry> {
  if (record.log.driver === "none")
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot read the log of container "${record.name}": it has none (--log-driver none)`,
    );
  const path = join(parts.store.directory(record.id), `${record.id}-json.log`);
  const isFollowing = (): boolean => {
    const now =
      options.follow === true && options.signal?.aborted !== true ? parts.store.find(record.id) : undefined;
    return now !== undefined && isLive(now.state);
  };
  for await (const line of readLines(path, { ...options, isFollowing })) {
    const entry = parseEntry(line);
    if (entry === undefined || (options.since !== undefined && entry.time < options.since)) continue;
    if (options.until !== undefined && entry.time > options.until) return;
    yield entry;
  }
}

function parseEntry(line: string): LogEntry | undefined {
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return undefined; // cut off by a full disk or a killed monitor
  }
}

interface Reading {
  readonly tail?: number;
  readonly isFollowing: () => boolean;
}

async function* readLines(path: string, reading: Reading): AsyncGenerator<string> {
  const files = await openFiles(path, reading.isFollowing);
  try {
    let skip = reading.tail === undefined ? undefined : placeOfTail(files, reading.tail);
    for (const [at, fd] of files.entries()) {
      if (skip !== undefined && at < skip.file) continue;
      const start = skip?.file === at ? skip.offset : 0;
      skip = undefined;
      if (at < files.length - 1) yield* linesOf(fd, { offset: start }).lines;
      else yield* followFile(fd, { path, start, isFollowing: reading.isFollowing });
    }
  } finally {
    for (const fd of files) close(fd);
  }
}

/**
 * Oldest first; held open, so that a rotation meanwhile takes nothing away. One that goes on while they are opened gives some
 * of them other names: then all are opened again.
 */
async function openFiles(path: string, isFollowing: () => boolean): Promise<readonly number[]> {
  for (let left = mostOpenings; ; left -= 1) {
    const names = namesOf(path);
    const files = names.flatMap((name) => open(name) ?? []);
    const isNone = files.length === 0 && names.length === 1 && !isFollowing();
    if (isNone || left === 0 || areStill(files, names, path)) return files.reverse();
    for (const fd of files) close(fd);
    await delay(1);
  }
}

/** Newest first; a name that a rotation has just taken away is among them. */
function namesOf(path: string): readonly string[] {
  const names = [path];
  const isThere = (number: number): boolean => existsSync(`${path}.${number}`);
  while (isThere(names.length) || isThere(names.length + 1)) names.push(`${path}.${names.length}`);
  return names;
}

function areStill(files: readonly number[], names: readonly string[], path: string): boolean {
  return (
    files.length === names.length &&
    namesOf(path).length === names.length &&
    files.every((fd, at) => isNamed(fd, names[at] ?? path))
  );
}

/** Reads on while somebody may write; a file that was set aside is read to its end, then the new one. */
async function* followFile(
  first: number,
  reading: { readonly path: string; readonly start: number; readonly isFollowing: () => boolean },
): AsyncGenerator<string> {
  let fd = first;
  let place: Place = { offset: reading.start };
  try {
    for (;;) {
      const isLast = !reading.isFollowing();
      const { lines, end } = linesOf(fd, place);
      yield* lines;
      place = end();
      const next = openNewer(fd, reading.path);
      if (next !== undefined) {
        yield* linesOf(fd, place).lines;
        if (fd !== first) close(fd);
        fd = next;
        place = { offset: 0 };
      } else if (isLast) return;
      else await delay(pollMs);
    }
  } finally {
    if (fd !== first) close(fd);
  }
}

/** The file that followed this one; undefined while there is none, and when a rotation is just under way. */
function openNewer(fd: number, path: string): number | undefined {
  const names = namesOf(path);
  const at = names.findIndex((name) => isNamed(fd, name));
  // One that has lost its names is older than all.
  const name = at < 0 ? names.at(-1) : names[at - 1];
  const newer = name === undefined ? undefined : open(name);
  if (newer === undefined || at < 0 || isNamed(fd, names[at] ?? path)) return newer;
  close(newer);
  return undefined;
}

function isNamed(fd: number, name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

interface Place {
  readonly offset: number;
}

/** Whole lines from a place on; `end` is where the next reading begins. */
function linesOf(fd: number, from: Place): { lines: Generator<string>; end: () => Place } {
  let offset = from.offset;
  function* lines(): Generator<string> {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    let rest: Buffer = Buffer.alloc(0);
    for (let at = offset; ; ) {
      const size = readSync(fd, buffer, 0, chunkBytes, at);
      if (size === 0) return;
      at += size;
      const bytes = Buffer.concat([rest, buffer.subarray(0, size)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        const line = bytes.toString("utf8", start, end);
        offset += end + 1 - start;
        start = end + 1;
        yield line;
      }
      rest = bytes.subarray(start);
    }
  }
  return { lines: lines(), end: () => ({ offset }) };
}

/** Where the last `count` lines begin, from the newest file backwards. */
function placeOfTail(files: readonly number[], count: number): { file: number; offset: number } {
  let wanted = count;
  for (let file = files.length - 1; file >= 0; file -= 1) {
    const fd = files[file] ?? -1;
    const found = tailOf(fd, wanted);
    if (found.missing === 0) return { file, offset: found.offset };
    wanted = found.missing;
  }
  return { file: 0, offset: 0 };
}

function tailOf(fd: number, count: number): { offset: number; missing: number } {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const { size } = fstatSync(fd);
  let newlines = 0;
  if (count === 0) return { offset: size, missing: 0 };
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunkBytes);
    const got = readSync(fd, buffer, 0, end - start, start);
    for (let at = got - 1; at >= 0; at -= 1) {
      if (buffer[at] !== 10) continue;
      newlines += 1;
      // The newline before the first line that is wanted.
      if (newlines === count + 1) return { offset: start + at + 1, missing: 0 };
    }
    end = start;
  }
  return { offset: 0, missing: count - newlines };
}

function open(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}

function close(fd: number): void {
  closeSync(fd);
}
