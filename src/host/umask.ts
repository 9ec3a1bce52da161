import { isMainThread } from "node:worker_threads";

let callers: number | undefined;

/**
 * Gives the process the umask of a daemon, 022, as dockerd takes it: what is in trees, volumes and containers must not depend on
 * who made it. The first call does, and a thread cannot.
 * @returns the umask that the process had
 */
export function takeUmask(): number {
  callers ??= isMainThread ? process.umask(0o022) : process.umask();
  return callers;
}
