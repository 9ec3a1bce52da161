import { errorMessage, isLighterError, LighterError, systemErrorCode } from "./errors.ts";

const misplaced: ReadonlySet<string> = new Set(["EISDIR", "ENOTDIR", "EEXIST"]);

/** A failed file call of the store as the engine's error: no space, no permission, or a disk that does not obey. */
export function diskError(
  error: unknown,
  attempt: { readonly verb: string; readonly object: string },
): LighterError {
  if (isLighterError(error)) return error;
  const sentence = `cannot ${attempt.verb} "${attempt.object}"`;
  const code = systemErrorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT")
    return new LighterError(
      "STORE_FULL",
      `${sentence}: no space left on the device; free some space or prune the store`,
      {
        cause: error,
      },
    );
  if (code === "EACCES" || code === "EPERM")
    return new LighterError(
      "STORE_UNUSABLE",
      `${sentence}: permission denied (${code}); run as root, or choose another directory with --root or LIGHTER_ROOT`,
      {
        cause: error,
      },
    );
  if (code === "EROFS")
    return new LighterError(
      "STORE_UNUSABLE",
      `${sentence}: the file system is read-only (EROFS); choose another directory with --root or LIGHTER_ROOT`,
      { cause: error },
    );
  if (code !== undefined && misplaced.has(code))
    return new LighterError(
      "STORE_UNUSABLE",
      `${sentence}: a file or a directory lies where the store has something else (${code}); remove ${placeOf(error) ?? "it"}`,
      { cause: error },
    );
  return new LighterError("STORE_UNUSABLE", `${sentence}: ${errorMessage(error)}`, { cause: error });
}

/** What the call was about; of a rename the place that it goes to. */
function placeOf(error: unknown): string | undefined {
  const { dest, path } = error as { readonly dest?: unknown; readonly path?: unknown };
  const place = dest ?? path;
  return typeof place === "string" ? `"${place}"` : undefined;
}
