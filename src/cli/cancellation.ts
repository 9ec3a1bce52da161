import { isLighterError, LighterError } from "#base";

/** What a Ctrl-C throws through every wait: the reason of the abort signal. */
export function cancelledBy(signalName: string): LighterError {
  return new LighterError("CANCELLED", "cancelled", { details: { signal: signalName } });
}

/** Docker's status for a command ended by a signal: 130 for Ctrl-C, 143 for SIGTERM. */
export function cancelledStatus(reason: unknown): number {
  const name = isLighterError(reason, "CANCELLED") ? reason.details["signal"] : undefined;
  return name === "SIGTERM" ? 143 : name === "SIGHUP" ? 129 : 130;
}
