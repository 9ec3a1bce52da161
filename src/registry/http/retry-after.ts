import { setTimeout as delay } from "node:timers/promises";
import { LighterError } from "#base";

const longestPauseMs = 20_000;
/** A registry that wants more patience than this is told to the user instead. */
const longestWishMs = 60_000;

/** How long a `Retry-After` header asks to wait: seconds or a date. */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time - nowMs);
}

/** The pause before further attempt `attempt` (0 is the first), or undefined when the registry asks for too much. */
export function pauseMs(attempt: number, backoffMs: number, wishMs: number | undefined): number | undefined {
  if (wishMs !== undefined) return wishMs > longestWishMs ? undefined : wishMs;
  // Spread, so that clients that failed together do not come back together.
  return Math.min(longestPauseMs, backoffMs * 2 ** attempt) * (0.5 + Math.random() / 2);
}

/** @throws CANCELLED */
export async function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(durationMs, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw new LighterError("CANCELLED", "cannot wait for the registry: cancelled");
  }
}
