import type { NetworkParts } from "../join-networks.ts";

/**
 * Starts the store's resolver unless one runs. Nobody waits for it: questions wait in the sockets that it takes over. Called
 * after the state was saved, so that a resolver which is about to end has seen the new container, or has freed its lock.
 */
export function startResolver({ host, ledger }: NetworkParts, command: readonly string[] | undefined): void {
  const [program, ...args] = command ?? [];
  if (program === undefined) return;
  const lock = host.locks.tryAcquire(ledger.resolverLockPath, "exclusive");
  if (lock === undefined) return;
  lock[Symbol.dispose]();
  const running = host.processes.spawn(program, args, {
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
    cwd: "/",
  });
  running.unref();
}
