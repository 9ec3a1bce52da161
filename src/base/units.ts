const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Bytes as docker prints them: decimal units, three significant digits (`1.21MB`, `837MB`, `0B`). */
export function formatBytes(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (Number(value.toPrecision(3)) >= 1000 && unit < decimalUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))}${decimalUnits[unit]}`;
}

const durationSteps = [
  { seconds: 1, limit: 60, one: "Less than a second", many: "seconds" },
  { seconds: 60, limit: 60, one: "About a minute", many: "minutes" },
  { seconds: 3600, limit: 48, one: "About an hour", many: "hours" },
  { seconds: 86_400, limit: 14, one: "1 day", many: "days" },
  { seconds: 604_800, limit: 8, one: "1 week", many: "weeks" },
  { seconds: 2_592_000, limit: 24, one: "1 month", many: "months" },
] as const;

/** A duration in docker's words (`3 hours`, `About a minute`, `2 weeks`). */
export function formatDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  for (const step of durationSteps) {
    const count = Math.floor(seconds / step.seconds);
    if (count >= step.limit) continue;
    return count <= 1 ? step.one : `${count} ${step.many}`;
  }
  return `${Math.floor(seconds / 31_536_000)} years`;
}
