import type { NetworkParts } from "../join-networks.ts";

/**
 * Starts the store's resolver unless one runs, with its lock as descriptor 3. Nobody waits for it: questions wait in the sockets that it takes over. Called
 * after the state was saved, so that a resolver which is about to end has seen the new container, or has freed its lock.
 */
export function startResolver({ host, ledger }: NetworkParts, command: readonly string[] | undefined): void {
  const [program, ...args] = command ?? [];
  if (program === undefined) return;
  const lock = host.locks.tryAcquire(ledger.resolverLockPath, "exclusive");
  if (lock === undefined) return;
  try {
    // The child inherits the lock with the descriptor: at no time is there a second one, nor none.
    const running = host.processes.spawn(program, args, {
      stdio: ["ignore", "ignore", "ignore", lock.fd],
      detached: true,
      cwd: "/",
    });
    running.unref();
  } finally {
    lock[Symbol.dispose]();
  }
}
