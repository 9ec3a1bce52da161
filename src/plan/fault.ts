import { isLighterError, LighterError } from "#base";
import type { Range } from "#dockerfile";

/**
 * What makes a plan impossible: BuildKit's sentence, where, and what would help. Thrown within the room only;
 * `plan` answers with a diagnostic.
 */
export function fault(
  message: string,
  details: { readonly range?: Range; readonly hint?: string } = {},
): LighterError {
  return new LighterError("PLAN_INVALID", message, { details });
}

/** Runs `step`; what it throws without a range gets this one. */
export function locate<T>(range: Range | undefined, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!isLighterError(error) || rangeOf(error) !== undefined || range === undefined) throw error;
    throw new LighterError("PLAN_INVALID", error.message, {
      details: { ...error.details, range },
      cause: error,
    });
  }
}

/** Where a fault is, when it is known. */
export function rangeOf(error: LighterError): Range | undefined {
  const range = error.details["range"];
  return isRange(range) ? range : undefined;
}

/** What would help. */
export function hintOf(error: LighterError): string | undefined {
  const hint = error.details["hint"];
  return typeof hint === "string" ? hint : undefined;
}

function isRange(value: unknown): value is Range {
  return typeof value === "object" && value !== null && "start" in value && "end" in value;
}
