// Kernels stamp files with the last timer tick, which may lie before the step that wrote them: 10 ms at CONFIG_HZ=100.
const clockGranularityMs = 20;

/**
 * The time, in whole seconds, that a layer carries for an entry of a snapshot: the epoch for what the build wrote and
 * for what has the time of a checkout, else its own. See docs/adr/0010-reproducible-times.md.
 */
export function layerTime(
  mtimeMs: number,
  options: {
    readonly bornMs: number;
    readonly checkoutSeconds: ReadonlySet<number>;
    readonly epochSeconds: number;
  },
): number {
  const seconds = Math.floor(mtimeMs / 1000);
  const isWritten = mtimeMs >= options.bornMs - clockGranularityMs;
  return isWritten || options.checkoutSeconds.has(seconds) ? options.epochSeconds : seconds;
}
