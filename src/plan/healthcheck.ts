import type { HealthcheckInstruction } from "#dockerfile";
import type { Healthcheck } from "#oci";

/** The health check as the image config has it; what is 0 is left out. */
export function healthcheckOf(instruction: HealthcheckInstruction): Healthcheck {
  const { test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries } = instruction;
  return Object.freeze({
    Test: test,
    ...(intervalNs !== 0 && { Interval: intervalNs }),
    ...(timeoutNs !== 0 && { Timeout: timeoutNs }),
    ...(startPeriodNs !== 0 && { StartPeriod: startPeriodNs }),
    ...(startIntervalNs !== 0 && { StartInterval: startIntervalNs }),
    ...(retries !== 0 && { Retries: retries }),
  });
}

/** The health check as BuildKit's history has it: Go's `%+v`. */
export function formatHealthcheck(instruction: HealthcheckInstruction): string {
  const fields = [
    `Test:[${instruction.test.join(" ")}]`,
    `Interval:${formatNanoseconds(instruction.intervalNs)}`,
    `Timeout:${formatNanoseconds(instruction.timeoutNs)}`,
    `StartPeriod:${formatNanoseconds(instruction.startPeriodNs)}`,
    `StartInterval:${formatNanoseconds(instruction.startIntervalNs)}`,
    `Retries:${instruction.retries}`,
  ];
  return `{${fields.join(" ")}}`;
}

const second = 1_000_000_000;

/** Go's Duration.String: `1m30s`, `1.5s`, `200ms`. */
export function formatNanoseconds(ns: number): string {
  if (ns === 0) return "0s";
  const sign = ns < 0 ? "-" : "";
  const size = Math.abs(ns);
  if (size < 1000) return `${sign}${size}ns`;
  if (size < 1_000_000) return `${sign}${size / 1000}µs`;
  if (size < second) return `${sign}${size / 1_000_000}ms`;
  const minutes = Math.floor(size / (60 * second));
  const seconds = `${fixed(size - minutes * 60 * second)}s`;
  if (minutes === 0) return `${sign}${seconds}`;
  const hours = Math.floor(minutes / 60);
  return `${sign}${hours > 0 ? `${hours}h` : ""}${minutes % 60}m${seconds}`;
}

function fixed(ns: number): string {
  const whole = Math.floor(ns / second);
  const rest = String(ns % second)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return rest === "" ? String(whole) : `${whole}.${rest}`;
}
