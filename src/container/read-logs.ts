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
  const files = openFiles(path);
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

/** Oldest first; held open, so that a rotation meanwhile takes nothing away. */
function openFiles(path: string): number[] {
  const names = [path];
  while (existsSync(`${path}.${names.length}`)) names.push(`${path}.${names.length}`);
  return names.reverse().flatMap((name) => {
    try {
      return [openSync(name, "r")];
    } catch {
      return [];
    }
  });
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
      const next = isRotated(fd, reading.path) ? open(reading.path) : undefined;
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

function isRotated(fd: number, path: string): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  return named !== undefined && named.ino !== fstatSync(fd).ino;
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
