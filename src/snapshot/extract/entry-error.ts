import { diskError, errorMessage, isLighterError, LighterError } from "#base";
import { errnoOf } from "#host";
import { LayoutDiffers } from "./layout-differs.ts";
import { invalid } from "./names.ts";

/** What a failed call says about the entry it was made for. */
export function entryError(name: string, error: unknown): Error {
  if (error instanceof LayoutDiffers) return error;
  switch (errnoOf(error)) {
    case undefined:
      return isLighterError(error)
        ? error
        : new LighterError("INTERNAL", `cannot extract "${name}": ${errorMessage(error)}`, { cause: error });
    case "ENAMETOOLONG":
      return invalid(name, "its name is too long for this filesystem");
    case "EPERM":
    case "EACCES":
      return isLighterError(error)
        ? error
        : new LighterError(
            "PRIVILEGE_MISSING",
            `cannot extract "${name}": its owner or mode cannot be set; run as root`,
            { cause: error },
          );
    default:
      return diskError(error, { verb: "extract", object: name });
  }
}
