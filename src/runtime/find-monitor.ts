import { findOwnProgram } from "#host";

/** The path of the monitor's program. @throws RUNTIME_MISSING */
export function findMonitor(): string {
  return findOwnProgram("monitor", "run containers");
}
