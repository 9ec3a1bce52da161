import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LighterError } from "#base";

/**
 * The monitor's program: as it comes with lighter for this architecture, else as set-up compiled it.
 * @throws RUNTIME_MISSING
 */
export function findMonitor(): string {
  const places = [`monitor/prebuilt/lighter-monitor-${process.arch}`, ".build/monitor/lighter-monitor"];
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = places.map((place) => join(folder, place)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) break;
  }
  throw new LighterError(
    "RUNTIME_MISSING",
    `cannot run containers: there is no monitor for linux ${process.arch}; install gcc and run "npm run setup"`,
  );
}
