import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LighterError } from "#base";
import type { Lock } from "#host";
import { lockClaim, removeClaim } from "#runtime";
import { isLive, type StoredContainer } from "./container-record.ts";
import { unpauseContainer } from "./control-container.ts";
import { connectMonitor } from "./monitor/connect.ts";
import type { Parts } from "./parts.ts";

// Killing takes no time but where the machine is busy, or the program waits in the kernel.
const killTimeoutMs = 30_000;
const pollMs = 10;

/**
 * Removes a container that does not run; with `force` ends one that does, at whatever step of its life it is.
 * @throws CONTAINER_RUNNING, RUNTIME_FAILED
 */
export async function removeContainer(
  parts: Parts,
  record: StoredContainer,
  { force, volumes }: { readonly force: boolean; readonly volumes: boolean },
): Promise<void> {
  const claim = join(parts.runDirectory, record.id);
  if (!force && isLive(parts.store.get(record.id).state))
    throw new LighterError(
      "CONTAINER_RUNNING",
      `cannot remove container "${record.name}": it is running; stop it or use force`,
      { details: { id: record.id } },
    );
  using lock = await takeClaim(parts, record, { claim, force });
  // The record first: what a crash leaves now has no name any more.
  removeStopped(parts, record, { volumes });
  removeClaim(claim);
  void lock;
}

/** The record, the layer, and the volumes that were made for this container alone. */
export function removeStopped(
  { store, volumes: volumeStore }: Parts,
  record: StoredContainer,
  { volumes } = { volumes: record.remove },
): void {
  store.remove(record.id);
  if (!volumes) return;
  const own = record.mounts.flatMap((mount) =>
    mount.type === "volume" && mount.isAnonymous === true ? (mount.name ?? []) : [],
  );
  if (own.length === 0) return;
  // Another container may have taken them over (--volumes-from).
  const others = new Set(
    store.list().flatMap(({ mounts }) => mounts.map((mount) => (mount.type === "volume" ? mount.name : ""))),
  );
  for (const name of own) if (!others.has(name)) volumeStore.remove(name);
}

/** Waits until nobody answers for the container any more, bringing that about with `force`. */
async function takeClaim(
  parts: Parts,
  record: StoredContainer,
  { claim, force }: { readonly claim: string; readonly force: boolean },
): Promise<Lock> {
  for (const deadline = Date.now() + killTimeoutMs; ; await delay(pollMs)) {
    // Made when it is absent, so that nobody starts what is being removed.
    const lock = lockClaim(parts.host, claim);
    if (lock !== undefined) return lock;
    if (force) {
      await thaw(parts, record);
      await endMonitor(parts, record, claim);
    }
    if (Date.now() <= deadline) continue;
    const state = force ? "it does not end" : "another command is busy with it";
    throw new LighterError("RUNTIME_FAILED", `cannot remove container "${record.name}": ${state}`);
  }
}

/** What stands still does not even die. */
async function thaw(parts: Parts, { id }: StoredContainer): Promise<void> {
  const record = parts.store.find(id);
  if (record?.state.status !== "paused") return;
  await unpauseContainer(parts, record).catch(() => {}); // another command was faster
}

async function endMonitor(parts: Parts, record: StoredContainer, claim: string): Promise<void> {
  using session = await connectMonitor(claim);
  if (session !== undefined) {
    session.quit();
    await Promise.race([session.closed, delay(killTimeoutMs / 2, undefined, { ref: false })]);
    return;
  }
  // It delivers its last words to somebody who does not read them.
  const { status, monitorPid } = parts.store.get(record.id).state;
  if (status === "exited" && monitorPid > 0)
    parts.host.processes.killMeant(monitorPid, () => isMonitorOf(parts, monitorPid, record.id));
}

function isMonitorOf({ host }: Parts, pid: number, id: string): boolean {
  return host.processes.listWithArgument(id).includes(pid);
}
