import { readFileSync } from "node:fs";
import { LighterError, systemErrorCode } from "#base";

/** `name=value` words as a record; a word without a value has the empty one. */
export function keyValues(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf("=");
      return equals < 0 ? [word, ""] : [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}

/** The lines of a label file: empty ones, comments and names without a value skipped, as docker does. @throws ARGUMENT_INVALID */
export function readKeyValueFile(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8")
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line.includes("=") && !line.startsWith("#"));
  } catch (error) {
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot read "${path}": ${systemErrorCode(error) === "ENOENT" ? "no such file" : String(error)}`,
    );
  }
}
