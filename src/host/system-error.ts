import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { type Code, LighterError, systemErrorCode } from "#base";

/** What was tried, in the words of the error: `mount`, the object it was tried on, and what would help. */
export interface Attempt {
  readonly verb: string;
  readonly object: string;
  /** The capability that the call needs, by number, when it is a privileged one. */
  readonly capability?: keyof typeof capabilities;
  readonly help?: string;
}

/** Linux capability numbers that the room's calls need. @see capabilities(7) */
export const capabilities = {
  CAP_NET_ADMIN: 12,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_ADMIN: 21,
  CAP_MKNOD: 27,
} as const;

/**
 * Turns `-errno` into an error: `cannot mount "/x": operation not permitted (EPERM); run as root`.
 *
 * PRIVILEGE_MISSING when the process lacks the capability, STORE_FULL without space, KERNEL_UNSUPPORTED for a call
 * the kernel does not know, else SYSTEM_CALL_FAILED. `details.errno` is the symbolic name.
 */
export function systemError(result: number, attempt: Attempt, cause?: unknown): LighterError {
  const [errno, state] = getSystemErrorMap().get(result) ?? [`E${-result}`, `error ${-result}`];
  const missing = isDenial(errno) && attempt.capability !== undefined && !hasCapability(attempt.capability);
  const help = missing
    ? `run as root (${attempt.capability} is missing)`
    : (attempt.help ?? helpByErrno[errno]);
  const text = `cannot ${attempt.verb} "${attempt.object}": ${state} (${errno})`;
  return new LighterError(
    missing ? "PRIVILEGE_MISSING" : codeOf(errno),
    help === undefined ? text : `${text}; ${help}`,
    {
      details: { errno, object: attempt.object },
      cause,
    },
  );
}

/** Turns an error of node:fs into the same form; other values are returned as they are. */
export function fileError(error: unknown, attempt: Attempt): unknown {
  const errno = systemErrorCode(error);
  const number = errno === undefined ? undefined : errnoByName(errno);
  return number === undefined || error instanceof LighterError ? error : systemError(-number, attempt, error);
}

/** The symbolic errno (`ENOENT`) of an error of this room or of node:fs. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof LighterError)) return systemErrorCode(error);
  const { errno } = error.details;
  return typeof errno === "string" ? errno : undefined;
}

/** Whether the effective set of this process holds a capability. */
export function hasCapability(name: keyof typeof capabilities): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/thread-self/status", "latin1"))?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> BigInt(capabilities[name])) & 1n) === 1n;
}

const helpByErrno: Readonly<Record<string, string>> = {
  ENOSPC: "free some space or choose another root",
  EDQUOT: "free some space or raise the quota",
  ENOSYS: "this kernel does not have the call",
};

function isDenial(errno: string): boolean {
  return errno === "EPERM" || errno === "EACCES";
}

function codeOf(errno: string): Code {
  if (errno === "ENOSPC" || errno === "EDQUOT") return "STORE_FULL";
  return errno === "ENOSYS" ? "KERNEL_UNSUPPORTED" : "SYSTEM_CALL_FAILED";
}

function errnoByName(name: string): number | undefined {
  const table: Readonly<Record<string, number>> = constants.errno;
  return table[name];
}
