import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import type { LighterError } from "#base";
import type { SourceFile } from "../recipe-definition.ts";

/**
 * A file of the recipe's own directory; nothing outside of it is read, not through links either.
 * @param invalid makes the error, with the place at which the recipe names it
 */
export function readBeside(folder: string, name: string, invalid: (why: string) => LighterError): SourceFile {
  const file = join(folder, name);
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) throw invalid(`"${name}" is not there`);
  if (!stats.isFile()) throw invalid(`"${name}" is no file`);
  const real = realpathSync(file);
  const inside = relative(realpathSync(folder), real);
  if (inside === ".." || inside.startsWith("../") || isAbsolute(inside))
    throw invalid(`"${name}" lies outside of the recipe's directory`);
  const bytes = readFileSync(real);
  return { name, bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}
