import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sweepContainers } from "#runtime";
import { cgroupPath } from "./cgroup-path.ts";
import { takenFacts, tell } from "./container-events.ts";
import { type ContainerRecord, isLive } from "./container-record.ts";
import type { Parts } from "./parts.ts";
import { removeStopped } from "./remove-container.ts";

const killedStatus = 137;

/**
 * Settles what processes left: claims of containers that ended well are dropped, containers whose monitor was killed are
 * ended and their records say so, and those that were to be removed go.
 */
export async function sweepParts(parts: Parts): Promise<void> {
  // A monitor writes `exited` when it has seen to the rest.
  const hasEnded = (id: string): boolean => parts.store.readState(id).status === "exited";
  await sweepContainers(parts.host, parts.runDirectory, hasEnded);
  await settleRecords(parts);
  await parts.network.sweep();
}

async function settleRecords(parts: Parts): Promise<void> {
  const { store, runDirectory } = parts;
  const isClaimed = (id: string): boolean => existsSync(join(runDirectory, id));
  for (const id of store.ids()) {
    if (isClaimed(id)) continue;
    // A monitor writes the end and then lets the claim go: what was read before the claim was gone may be old.
    const record = store.find(id);
    if (isClaimed(id)) continue;
    if (record === undefined) store.removeBroken(id);
    else if (!isWaiting(record)) await settleEnded(parts, record);
  }
}

async function settleEnded(parts: Parts, record: ContainerRecord): Promise<void> {
  if (isLive(record.state)) tellLost(parts, record);
  if (record.remove) {
    removeStopped(parts, record);
    tell(parts, "destroy", record);
  } else if (record.state.status !== "exited") await settle(parts, record);
}

/** What its monitor did not get to tell. */
function tellLost(parts: Parts, record: ContainerRecord): void {
  for (const facts of takenFacts(record, record.network.endpoints ?? [], "end")) parts.events.append(facts);
  tell(parts, "die", record, { exitCode: String(killedStatus) });
}

/** Made by `create`, or kept although it could not start. */
function isWaiting({ state, isRun, remove }: ContainerRecord): boolean {
  return state.status === "created" && !(isRun === true && remove);
}

/** Its claim is gone, and with that what the sweep of claims would have ended: a boot, or somebody who wiped the directory. */
async function settle(parts: Parts, lost: ContainerRecord): Promise<void> {
  const { store } = parts;
  const { id } = lost;
  // Without a runtime nothing can have run here.
  const runtime = await parts.runtime(lost.runtime).catch(() => undefined);
  await runtime?.remove(id, cgroupPath(lost));
  const record = store.find(id);
  if (record === undefined) return;
  rmSync(store.pausedPath(id), { force: true });
  store.saveState(id, {
    ...record.state,
    status: "exited",
    pid: 0,
    exitCode: killedStatus,
    finishedAt: new Date().toISOString(),
    error: "its monitor was killed, or the host went down",
  });
}
