import { posix } from "node:path";
import type { Instruction } from "../../ast.ts";

/** Where instructions leave the working directory, when they say so in full: that of a base image is not known. */
export function workdirOf(instructions: readonly Instruction[]): string | undefined {
  let directory: string | undefined;
  for (const one of instructions) {
    if (one.kind !== "WORKDIR") continue;
    const path = one.path.replace(/\/+$/, "") || "/";
    if (path.includes("$")) return undefined;
    if (path.startsWith("/")) directory = posix.normalize(path);
    else directory = directory === undefined ? undefined : posix.join(directory, path);
  }
  return directory;
}
