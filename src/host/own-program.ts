import { LighterError } from "#base";
import { findOwnFile } from "./own-file.ts";

/**
 * The path of a program in C that is a part of lighter: as it comes with lighter for this architecture, else as set-up compiled it.
 * @param task what cannot be done without it, for the error
 * @throws RUNTIME_MISSING
 */
export function findOwnProgram(name: "monitor" | "resolver", task: string): string {
  const found = findOwnFile(
    `${name}/prebuilt/lighter-${name}-${process.arch}`,
    `.build/${name}/lighter-${name}`,
  );
  if (found !== undefined) return found;
  throw new LighterError(
    "RUNTIME_MISSING",
    `cannot ${task}: there is no ${name} for linux ${process.arch}; install gcc and run "npm run setup"`,
  );
}
