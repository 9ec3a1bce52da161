import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LighterError } from "#base";

/**
 * The resolver's program: as it comes with lighter for this architecture, else as set-up compiled it.
 * @throws RUNTIME_MISSING
 */
export function findResolver(): string {
  const places = [`resolver/prebuilt/lighter-resolver-${process.arch}`, ".build/resolver/lighter-resolver"];
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = places.map((place) => join(folder, place)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) break;
  }
  throw new LighterError(
    "RUNTIME_MISSING",
    `cannot answer names on networks: there is no resolver for linux ${process.arch}; install gcc and run "npm run setup"`,
  );
}
