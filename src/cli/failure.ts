import { constants } from "node:os";
import { errorMessage, isLighterError, LighterError, systemErrorCode } from "#base";
import { cancelledStatus } from "./cancellation.ts";
import type { Command } from "./command.ts";

/** What is told of a failure and the status the process ends with. */
export interface Failure {
  readonly text: string;
  readonly exit: number;
}

/** The words and the exit status for anything thrown: one sentence, then the frame or the usage that belongs to it. */
export function describeFailure(
  error: unknown,
  context: { readonly isDebug: boolean; readonly command: Command | undefined; readonly signal: AbortSignal },
): Failure {
  const known = asLighterError(error) ?? cancellation(error, context.signal);
  if (known !== undefined && hasNoReader(known)) return { text: "", exit: 128 + constants.signals.SIGPIPE };
  const text = known === undefined ? defectText(error) : knownText(known);
  return {
    text: context.isDebug ? `${text}\n${stackText(error)}\n` : text,
    exit: exitStatus(known, context),
  };
}

/** `lighter run busybox yes | head -1`: whoever reads has seen enough, and the program has not ended. */
function hasNoReader({ code, cause }: LighterError): boolean {
  return code === "OUTPUT_UNWRITABLE" && systemErrorCode(cause) === "EPIPE";
}

function exitStatus(
  error: LighterError | undefined,
  context: { readonly command: Command | undefined; readonly signal: AbortSignal },
): number {
  if (error?.code === "CANCELLED") return cancelledStatus(context.signal.reason);
  const exit = error?.kind.exit ?? 1;
  if (typeof error?.details["exit"] === "number") return error.details["exit"];
  if (error?.code === "USAGE" || error?.code === "NO_TERMINAL" || error?.details["usage"] !== undefined)
    return exit;
  // docker's contract: below 125 a status of run is the program's own; exec tells of the program alone; others fail with 1.
  if (context.command?.name === "run") return Math.max(exit, 125);
  if (context.command?.name === "exec" && (exit === 126 || exit === 127)) return exit;
  return isRunStatus(exit) ? 1 : exit;
}

/** 125 to 127 mean something only where a program runs in a container. */
function isRunStatus(exit: number): boolean {
  return exit >= 125 && exit <= 127;
}

function knownText(error: LighterError): string {
  const { usage, help, frame } = error.details;
  if (typeof help === "string") {
    const usageLine = typeof usage === "string" ? `${usage}\n\n` : "";
    return `lighter: ${error.message}\n\n${usageLine}Run '${help}' for more information\n`;
  }
  return `lighter: ${error.message}\n${typeof frame === "string" ? `${frame.trimEnd()}\n` : ""}`;
}

interface SystemSentence {
  readonly code: "STORE_CORRUPT" | "STORE_FULL" | "STORE_UNUSABLE";
  readonly verb?: "use";
  readonly says: string;
}

const displaced = "look what it is and move it away";

const systemSentences: Readonly<Record<string, SystemSentence>> = {
  ENOSPC: { code: "STORE_FULL", says: "no space left on the device; free some or use --root on another" },
  EDQUOT: { code: "STORE_FULL", says: "the disk quota is used up; free some space or use --root elsewhere" },
  EACCES: {
    code: "STORE_UNUSABLE",
    says: "permission denied; run as root or use --root with a directory of your own",
  },
  EROFS: { code: "STORE_UNUSABLE", says: "the file system is read-only; use --root on another" },
  ENOTDIR: {
    code: "STORE_CORRUPT",
    verb: "use",
    says: `a part of this path is a file where a directory belongs; ${displaced}`,
  },
  EISDIR: {
    code: "STORE_CORRUPT",
    verb: "use",
    says: `a directory stands where a file belongs; ${displaced}`,
  },
  EMFILE: { code: "STORE_UNUSABLE", says: "too many open files; raise the limit with ulimit -n" },
};

/** The error itself, or a sentence for what a full or unwritable disk throws anywhere. */
function asLighterError(error: unknown): LighterError | undefined {
  if (isLighterError(error)) return error;
  const code = storeErrorCode(error);
  const sentence =
    code !== undefined && Object.hasOwn(systemSentences, code) ? systemSentences[code] : undefined;
  if (sentence === undefined) return undefined;
  const { verb = "write" } = sentence;
  const path = pathOf(error);
  const object =
    path === undefined ? (verb === "write" ? "to the store" : "a file of the store") : `"${path}"`;
  return new LighterError(sentence.code, `cannot ${verb} ${object}: ${sentence.says}`, { cause: error });
}

function pathOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "path" in error ? String(error.path) : undefined;
}

/** A directory cannot be made where something else stands: the same as finding that there. */
function storeErrorCode(error: unknown): string | undefined {
  const code = systemErrorCode(error);
  const isMkdir = error instanceof Error && "syscall" in error && error.syscall === "mkdir";
  return code === "EEXIST" && isMkdir ? "ENOTDIR" : code;
}

/** Node's own waits throw an AbortError where ours throw the reason. */
function cancellation(error: unknown, signal: AbortSignal): LighterError | undefined {
  const isAbort = error instanceof Error && error.name === "AbortError";
  return isAbort && isLighterError(signal.reason) ? signal.reason : undefined;
}

function defectText(error: unknown): string {
  return `lighter: unexpected failure: ${errorMessage(error)}
This is a defect of lighter, not of your input. Please report it with what the same command prints with --debug.
`;
}

function stackText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  const inner =
    error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause];
  return [own, ...inner.map((cause) => `caused by: ${stackText(cause)}`)].join("\n");
}
