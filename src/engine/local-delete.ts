import { realpathSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { LighterError } from "#base";
import type { BuildOutput } from "#build";

/** What `--allow` has to name before an output may empty a directory that is not below the working directory. */
export const localDelete = "buildx.local.delete";

/**
 * Of outputs of files with `mode=delete`: a slip of the pen must not empty a home directory. Links are followed.
 * @throws ARGUMENT_INVALID
 */
export function requireDeletable(outputs: readonly BuildOutput[], allow: readonly string[] = []): void {
  if (allow.includes(localDelete)) return;
  const working = `${realpathSync(process.cwd())}${sep}`.replace(/\/+$/, sep);
  for (const output of outputs) {
    if (output.kind !== "local" || output.mode !== "delete") continue;
    if (realPlace(output.directory).startsWith(working)) continue;
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot empty "${output.directory}": mode=delete removes all that the build does not give, and this is no directory below the working directory; grant it with --allow=${localDelete}`,
    );
  }
}

/** Where a path leads that may not be there yet. */
function realPlace(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(realPlace(dirname(path)), basename(path));
  }
}
