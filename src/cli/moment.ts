import { LighterError } from "#base";
import { findDurationMs } from "./duration.ts";

/**
 * Docker's moments: a duration before now, seconds since 1970 with a fraction, or RFC 3339 with parts left out.
 * @returns RFC 3339 in UTC with nine digits of a second, which compares as text
 * @throws ARGUMENT_INVALID
 */
export function parseMoment(text: string, nowMs: number): string {
  const durationMs = findDurationMs(text);
  if (durationMs !== undefined) return withNanoseconds(nowMs - durationMs, "");
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

function withNanoseconds(ms: number, fraction: string): string {
  const whole =
    fraction === "" ? String(Math.round(ms % 1000) * 1_000_000).padStart(9, "0") : fraction.padEnd(9, "0");
  return `${new Date(ms).toISOString().slice(0, 19)}.${whole}Z`;
}
