import { ownerOf } from "../find-network.ts";
import type { NetworkParts } from "../join-networks.ts";

/** How the resolver of a store is started. */
export interface ResolverCommand {
  /** The program, with words before it. */
  program(): readonly string[];
  /** A program that sweeps this store; the resolver starts it when the owner of a container has died. */
  readonly sweep: readonly string[];
}

/**
 * Starts the store's resolver unless one runs, with its lock as descriptor 3. Nobody waits for it: questions wait in the sockets
 * that it takes over. Called after the state was saved, so that a resolver which is about to end has seen the new container, or
 * has freed its lock.
 */
export function startResolver(
  { root, host, ledger }: NetworkParts,
  command: ResolverCommand | undefined,
): void {
  const [program, ...args] = command?.program() ?? [];
  if (program === undefined || command === undefined) return;
  const lock = host.locks.tryAcquire(ledger.resolverLockPath, "exclusive");
  if (lock === undefined) return;
  try {
    // The child inherits the lock with the descriptor: at no time is there a second one, nor none.
    const running = host.processes.spawn(program, [...args, root, ownerOf(root).table, ...command.sweep], {
      stdio: ["ignore", "ignore", "ignore", lock.fd],
      detached: true,
      cwd: "/",
    });
    running.unref();
  } finally {
    lock[Symbol.dispose]();
  }
}
