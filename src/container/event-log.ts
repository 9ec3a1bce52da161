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
import { setTimeout as delay } from "node:timers/promises";
import type { StoredContainer } from "./container-record.ts";

/** Something that happened, in docker's words. */
export interface ContainerEvent {
  /** RFC 3339 with nine digits of a second. */
  readonly time: string;
  /** `create`, `start`, `die`, `destroy`, … */
  readonly action: string;
  readonly type: "container";
  readonly id: string;
  /** `name`, `image`, the labels, and what belongs to the action, as `exitCode`. */
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

/** What happened to the containers of a store: lines of JSON that commands and monitors append; the older half is kept once. */
export class EventLog {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  append(action: string, record: StoredContainer, more: Readonly<Record<string, string>> = {}): void {
    const { attributes, ...facts } = factsOf(record);
    const event = { time: now(), action, ...facts, attributes: { ...attributes, ...more } };
    if ((statSync(this.path, { throwIfNoEntry: false })?.size ?? 0) > largestBytes)
      renameSync(this.path, `${this.path}.1`);
    appendFileSync(this.path, `${JSON.stringify(event)}\n`, { mode: 0o600 });
  }

  /** What the monitor of a container puts into its events: the inside of an object, its attributes left open. */
  facts(record: StoredContainer): string {
    const text = JSON.stringify(factsOf({ ...record, labels: {} }));
    return text.slice(1, -2);
  }

  async *read(options: EventOptions): AsyncGenerator<ContainerEvent> {
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

function factsOf({ id, name, image, labels }: StoredContainer) {
  return { type: "container", id, attributes: { ...labels, image: image.name, name } } as const;
}

function isWanted(event: ContainerEvent, begin: string, { until }: EventOptions): boolean {
  return event.time >= begin && (until === undefined || event.time <= until);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readFrom(
  path: string,
  offset: number,
): { readonly events: readonly ContainerEvent[]; readonly end: number } {
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

function parse(line: string): readonly ContainerEvent[] {
  try {
    return line === "" ? [] : [JSON.parse(line) as ContainerEvent];
  } catch {
    return []; // cut off by a full disk
  }
}

function now(): string {
  return `${new Date().toISOString().slice(0, -1)}000000Z`;
}
