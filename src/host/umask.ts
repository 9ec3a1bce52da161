import { systemErrorCode } from "#base";

let callers: number | undefined;

/**
 * Gives the process the umask of a daemon, 022, as dockerd takes it: what is in trees, volumes and containers must not depend on
 * who made it. The first call does, and a thread cannot.
 * @returns the umask that the process had
 */
export function takeUmask(): number {
  callers ??= replaceUmask();
  return callers;
}

/** Asking whether this is a thread would load Node's threads, which takes longer than all that `ps` does. */
function replaceUmask(): number {
  try {
    return process.umask(0o022);
  } catch (error) {
    if (systemErrorCode(error) === "ERR_WORKER_UNSUPPORTED_OPERATION") return process.umask();
    throw error;
  }
}
