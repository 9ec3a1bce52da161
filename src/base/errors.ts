import { type Code, type ErrorCode, errorCodes } from "./error-codes.ts";

/** Facts that belong to an error: shown by `--format json`, never parsed out of the message. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * The one error class of the engine.
 *
 * The message follows one grammar: `cannot <verb> <"object">: <state>; <what would help>`, lower case, no final
 * stop. A thrown value that is not a `LighterError` is a defect of the engine.
 */
export class LighterError extends Error {
  override readonly name = "LighterError";
  readonly code: Code;
  readonly details: ErrorDetails;

  constructor(code: Code, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  /** Class, HTTP status and exit status that belong to {@link LighterError.code}. */
  get kind(): ErrorCode {
    return errorCodes[this.code];
  }
}

/** Whether `error` is a {@link LighterError}, of one of `codes` when any are given. */
export function isLighterError(error: unknown, ...codes: readonly Code[]): error is LighterError {
  return error instanceof LighterError && (codes.length === 0 || codes.includes(error.code));
}

/** The text of any thrown value, with no stack. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` property that Node puts on system errors (`ENOENT`), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
