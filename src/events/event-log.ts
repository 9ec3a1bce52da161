import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Something that happened, in docker's words. */
export interface StoreEvent extends EventFacts {
  /** RFC 3339 with nine digits of a second. */
  readonly time: string;
}

/** What happened to what. */
export interface EventFacts {
  readonly type: "container" | "image" | "network" | "volume";
  /** `create`, `start`, `die`, `destroy`, `tag`, … */
  readonly action: string;
  /** Of the container or network, the digest or name of an image, the name of a volume; empty for a prune. */
  readonly id: string;
  /** The name, labels, and what belongs to the action, as `exitCode`. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface EventOptions {
  /** RFC 3339 with nine digits; compared as text. Without it only what comes. */
  readonly since?: string;
  /** Ends there; in the past, what was. */
  readonly until?: string;
  readonly signal?: AbortSignal;
}

const largestBytes = 8 << 20;
const pollMs = 100;

/** What happened in a store: lines of JSON that commands and monitors append; the older half is kept once. */
export class EventLog {
  readonly path: string;

  /** @param root the store */
  constructor(root: string) {
    this.path = join(root, "events.jsonl");
  }

  /** Never fails: what happened has happened, whether or not it can be told. */
  append({ type, action, id, attributes }: EventFacts): void {
    const line = JSON.stringify({ time: now(), type, action, id, attributes });
    try {
      if ((statSync(this.path, { throwIfNoEntry: false })?.size ?? 0) > largestBytes)
        renameSync(this.path, `${this.path}.1`);
      appendFileSync(this.path, `${line}\n`, { mode: 0o600 });
    } catch {
      // A full disk, or another process that has just set the file aside.
    }
  }

  async *read(options: EventOptions): AsyncGenerator<StoreEvent> {
    const begin = options.since ?? now();
    if (options.since !== undefined) {
      for (const event of readFrom(`${this.path}.1`, 0).events)
        if (isWanted(event, begin, options)) yield event;
    }
    for (let place = options.since === undefined ? sizeOf(this.path) : 0; ; ) {
      const { events, end } = readFrom(this.path, sizeOf(this.path) < place ? 0 : place);
      for (const event of events) if (isWanted(event, begin, options)) yield event;
      place = end;
      if (options.signal?.aborted || (options.until !== undefined && now() > options.until)) return;
      await delay(pollMs, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
        () => {},
      );
    }
  }
}

function isWanted(event: StoreEvent, begin: string, { until }: EventOptions): boolean {
  return event.time >= begin && (until === undefined || event.time <= until);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readFrom(
  path: string,
  offset: number,
): { readonly events: readonly StoreEvent[]; readonly end: number } {
  if (!existsSync(path)) return { events: [], end: 0 };
  const fd = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - offset));
    const text = bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, offset));
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    return { events: whole.split("\n").flatMap(parse), end: offset + Buffer.byteLength(whole) };
  } finally {
    closeSync(fd);
  }
}

function parse(line: string): readonly StoreEvent[] {
  try {
    return line === "" ? [] : [JSON.parse(line) as StoreEvent];
  } catch {
    return []; // cut off by a full disk
  }
}

function now(): string {
  return `${new Date().toISOString().slice(0, -1)}000000Z`;
}
