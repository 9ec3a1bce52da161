/**
 * Which modification times in a tree belong to this machine and not to its content: those of the time in which the build's
 * steps ran, and those that the files of a checkout had.
 */
export interface TimeOrigin extends Marks {
  /** The same of base images that were built here, each with the epoch that its layers got instead of such times. */
  readonly bases: readonly BaseMarks[];
}

export interface Marks {
  /** When the steps that the tree stands on ran: in order, and apart from each other. */
  readonly ran: readonly Span[];
  /** Names of the recorded times of checkouts; see `RecordedTimes`. */
  readonly checkouts: readonly string[];
  /** Names of the recorded times of archives that were unpacked: content, whatever else has the same time. */
  readonly archives: readonly string[];
}

export interface BaseMarks extends Marks {
  readonly epochSeconds: number;
}

/** From and to, in milliseconds since 1970. */
export type Span = readonly [number, number];

/** Of a tree whose times all came with its content: an image from elsewhere, a file from the web. */
export const timesOfContent: TimeOrigin = Object.freeze({
  ran: Object.freeze([]),
  checkouts: Object.freeze([]),
  archives: Object.freeze([]),
  bases: Object.freeze([]),
});

/** Of what was written from then until now. */
export function writtenSince(startMs: number): TimeOrigin {
  // The clock of files is finer than a millisecond.
  return { ...timesOfContent, ran: [[startMs, Date.now() + 1]] };
}

/** Of a base image, by the origin of its layers. */
export function originOfBase(origin: TimeOrigin, epochSeconds: number): TimeOrigin {
  const { bases, ...marks } = origin;
  return { ...timesOfContent, bases: [...bases, { ...marks, epochSeconds }] };
}

/** Of a tree that was made from several. */
export function joinOrigins(origins: readonly TimeOrigin[]): TimeOrigin {
  const all = origins.flatMap(({ bases }) => bases);
  const epochs = [...new Set(all.map(({ epochSeconds }) => epochSeconds))].sort((a, b) => a - b);
  const bases = epochs.map((epochSeconds) => ({
    epochSeconds,
    ...joinMarks(all.filter((base) => base.epochSeconds === epochSeconds)),
  }));
  return { ...joinMarks(origins), bases };
}

function joinMarks(marks: readonly Marks[]): Marks {
  return {
    ran: joinSpans(marks.flatMap(({ ran }) => ran)),
    checkouts: [...new Set(marks.flatMap(({ checkouts }) => checkouts))].sort(),
    archives: [...new Set(marks.flatMap(({ archives }) => archives))].sort(),
  };
}

/** Steps of one build follow each other closely: what is less apart than this counts as one span. */
const apartMs = 100;

function joinSpans(spans: readonly Span[]): readonly Span[] {
  const joined: [number, number][] = [];
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1] + apartMs) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

/** Every set of recorded times that an origin names. */
export function recordedSets(origin: TimeOrigin): readonly string[] {
  return [origin, ...origin.bases].flatMap(({ checkouts, archives }) => [...checkouts, ...archives]);
}

/** The value read from disk, or undefined when it is none. */
export function parseOrigin(value: unknown): TimeOrigin | undefined {
  if (!isMarks(value) || !("bases" in value) || !Array.isArray(value.bases)) return undefined;
  return value.bases.every(isMarks) ? (value as TimeOrigin) : undefined;
}

function isMarks(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return ["ran", "checkouts", "archives"].every((name) => Array.isArray(value[name as keyof typeof value]));
}
