import type { Entry } from "../tree/tree.ts";

/**
 * Times that belong to one checkout and not to its content carry this many microseconds, so that they are known again
 * wherever `mv` and `cp -p` take them, and the layer can write the epoch instead. Programs that compare times
 * (make, cargo) still see when a file was changed. See docs/adr/0005-reproducible-times.md.
 */
const checkoutMicroseconds = 777;

/** The time, in seconds, that a copy of a context's file gets. */
export function checkoutTime(entry: Entry): number {
  // Half a microsecond more: doubles of this size step by a quarter, and the kernel cuts off.
  return (Math.floor(entry.stats.mtimeMs) + (checkoutMicroseconds + 0.5) / 1000) / 1000;
}

/** The time, in seconds, that a copy from another stage gets: its own. */
export function keptTime(entry: Entry): number {
  return entry.stats.mtimeMs / 1000;
}

/**
 * The time, in whole seconds, that a layer carries for an entry of a snapshot: the epoch for what came from a checkout
 * or was written by the build itself, else its own.
 * @param bornMs when the first step below the snapshot ran
 */
export function layerTime(
  mtimeMs: number,
  options: { readonly bornMs: number; readonly epochSeconds: number },
): number {
  const isCheckout = Math.floor(mtimeMs * 1000) % 1000 === checkoutMicroseconds;
  // Kernels stamp files with the last tick, which may lie before the step.
  const isWritten = mtimeMs >= options.bornMs - clockGranularityMs;
  return isCheckout || isWritten ? options.epochSeconds : Math.floor(mtimeMs / 1000);
}

const clockGranularityMs = 20;
