import { LighterError } from "#base";
import { findDurationMs } from "./duration.ts";

/**
 * Docker's moments: a duration before now, seconds since 1970 with a fraction, or RFC 3339 with parts left out.
 * @returns RFC 3339 in UTC with nine digits of a second, which compares as text
 * @throws ARGUMENT_INVALID
 */
export function parseMoment(text: string, nowMs: number): string {
  // A 0 alone is the beginning of 1970; what is before the duration before now is after it.
  const isAhead = text.startsWith("-");
  const durationMs = text === "0" ? undefined : findDurationMs(isAhead ? text.slice(1) : text);
  if (durationMs !== undefined) return withNanoseconds(isAhead ? nowMs + durationMs : nowMs - durationMs, "");
  const unix = /^(\d{1,11})(?:\.(\d{1,9}))?$/.exec(text);
  if (unix !== null) return withNanoseconds(Number(unix[1]) * 1000, unix[2] ?? "");
  const date =
    /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}(?::\d{2}(?::\d{2})?)?))?(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (date !== null) {
    const time = (date[2] ?? "00:00:00").padEnd(8, ":00:00".slice((date[2] ?? "00:00:00").length - 8));
    const ms = Date.parse(`${date[1]}T${time}${date[4] ?? ""}`);
    if (!Number.isNaN(ms)) return withNanoseconds(ms, date[3] ?? "");
  }
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot read the time "${text}": want a duration (10m), a date (2026-01-02T13:23:37Z) or seconds since 1970`,
  );
}

/** The end that was asked for; none at 0, as docker has it. @throws ARGUMENT_INVALID */
export function untilOption(text: string | undefined, nowMs: number): { readonly until?: string } {
  return text === undefined || text === "0" ? {} : { until: parseMoment(text, nowMs) };
}

function withNanoseconds(ms: number, fraction: string): string {
  const whole =
    fraction === "" ? String(Math.round(ms % 1000) * 1_000_000).padStart(9, "0") : fraction.padEnd(9, "0");
  return `${new Date(ms).toISOString().slice(0, 19)}.${whole}Z`;
}
