import type { RecordedTimes } from "./recorded-times.ts";
import type { Span, TimeOrigin } from "./time-origin.ts";

// Kernels stamp files with the last timer tick, which may lie before the step that wrote them: 10 ms at CONFIG_HZ=100.
const clockGranularityMs = 20;

/**
 * The time, in whole seconds, that a layer carries for an entry of a snapshot: the epoch for what the build wrote and
 * for what has the time of a checkout, else its own. See docs/adr/0010-reproducible-times.md.
 */
export function layerTimes(
  origin: TimeOrigin,
  {
    epochSeconds,
    recorded,
  }: { readonly epochSeconds: number; readonly recorded: Pick<RecordedTimes, "load"> },
): (mtimeMs: number) => number {
  const parts = [{ ...origin, epochSeconds }, ...origin.bases].map((marks) => ({
    ...marks,
    archives: recorded.load(marks.archives),
    checkouts: recorded.load(marks.checkouts),
  }));
  return (mtimeMs) => {
    const seconds = secondsOf(mtimeMs);
    if (parts.some(({ archives }) => archives.has(recordedTime(mtimeMs)))) return seconds;
    const covers = mtimeMs === seconds * 1000 ? coversCut : coversTime;
    const part = parts.find(({ ran, checkouts }) => checkouts.has(seconds) || covers(ran, mtimeMs));
    return part?.epochSeconds ?? seconds;
  };
}

/** The time of a member of an archive as it is recorded: in seconds, to the millisecond that a snapshot keeps. */
export function recordedTime(mtimeMs: number): number {
  return Math.round(mtimeMs) / 1000;
}

function coversTime(spans: readonly Span[], mtimeMs: number): boolean {
  return spans.some(([from, to]) => mtimeMs >= from - clockGranularityMs && mtimeMs <= to);
}

/** `cp -p` and `mv` of busybox cut times to whole seconds. */
function coversCut(spans: readonly Span[], mtimeMs: number): boolean {
  const seconds = secondsOf(mtimeMs);
  return spans.some(
    ([from, to]) => seconds >= secondsOf(from - clockGranularityMs) && seconds <= secondsOf(to),
  );
}

function secondsOf(timeMs: number): number {
  return Math.floor(timeMs / 1000);
}
