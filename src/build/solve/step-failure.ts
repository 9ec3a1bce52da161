import { isLighterError, LighterError, systemErrorCode } from "#base";

/** What a failed system call of a step means to who builds; an error that says so itself stays as it is. */
export function stepFailure(error: unknown): unknown {
  const code = systemErrorCode(error);
  if (isLighterError(error) || code === undefined) return error;
  const path = pathOf(error);
  switch (code) {
    case "ENOSPC":
    case "EDQUOT": {
      const object = path === undefined ? "to the store" : `"${path}"`;
      const help = "free some, prune the store, or use --root on another device";
      return failure("STORE_FULL", `cannot write ${object}: no space left on the device; ${help}`, error);
    }
    case "EROFS":
      return failure(
        "STORE_UNUSABLE",
        `cannot write "${path ?? "the store"}": the file system is read-only; use --root on another`,
        error,
      );
    case "EPERM":
      return failure(
        "PRIVILEGE_MISSING",
        `cannot make "${path ?? "a file"}" as it has to be: the kernel refuses (EPERM); run as root`,
        error,
      );
    case "EACCES":
      return failure(
        "BUILD_FAILED",
        `cannot use "${path ?? "a file"}": permission denied (EACCES); run as root, or give its reader the right`,
        error,
      );
    default:
      return error;
  }
}

function failure(code: ConstructorParameters<typeof LighterError>[0], text: string, cause: unknown): Error {
  return new LighterError(code, text, { cause });
}

function pathOf(error: unknown): string | undefined {
  const path = typeof error === "object" && error !== null && "path" in error ? error.path : undefined;
  return typeof path === "string" ? path : undefined;
}
