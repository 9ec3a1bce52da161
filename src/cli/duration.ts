import { LighterError } from "#base";

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A Go duration (`1m30s`, `1.5h`, `500ms`, `0`) in milliseconds. @throws ARGUMENT_INVALID */
export function parseDurationMs(text: string): number {
  const ms = findDurationMs(text);
  if (ms !== undefined) return ms;
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot read duration "${text}": want 30s, 1m30s, 500ms or the like`,
  );
}

/** Undefined when the text is no duration. */
export function findDurationMs(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ""] ?? 0),
    0,
  );
}
