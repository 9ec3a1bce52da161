import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LighterError } from "#base";

/**
 * The path of a program in C that is a part of lighter: as it comes with lighter for this architecture, else as set-up compiled it.
 * @param task what cannot be done without it, for the error
 * @throws RUNTIME_MISSING
 */
export function findOwnProgram(name: "monitor" | "resolver", task: string): string {
  const places = [`${name}/prebuilt/lighter-${name}-${process.arch}`, `.build/${name}/lighter-${name}`];
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = places.map((place) => join(folder, place)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) break;
  }
  throw new LighterError(
    "RUNTIME_MISSING",
    `cannot ${task}: there is no ${name} for linux ${process.arch}; install gcc and run "npm run setup"`,
  );
}
