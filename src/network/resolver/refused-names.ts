import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "#base";

/** A name that a container asked for and its policy does not have. */
export interface RefusedName {
  readonly time: string;
  readonly container: string;
  readonly name: string;
}

/** `<folder>/refused-names.log` and its older generation, as the resolver writes them: a line of JSON each. */
export function readRefusedNames(folder: string): readonly RefusedName[] {
  const path = join(folder, "refused-names.log");
  return [`${path}.1`, path].flatMap(readLines).flatMap((line): RefusedName[] => {
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // cut short by a crash
    }
  });
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
