import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ContainerStore } from "./container-store.ts";

const killedStatus = 137;

/** Settles the records of containers whose claim is gone: their owner died, and the sweep of the runtime killed them. */
export function sweepRecords(store: ContainerStore, runDirectory: string): void {
  const isClaimed = (id: string): boolean => existsSync(join(runDirectory, id));
  for (const id of store.listBroken()) if (!isClaimed(id)) store.remove(id);
  for (const { id, state: seen } of store.list()) {
    if (seen.status === "exited" || isClaimed(id)) continue;
    // An owner writes the end and then lets the claim go: what was read before the claim was gone may be old.
    const record = store.find(id);
    if (record === undefined || record.state.status === "exited") continue;
    if (record.remove || record.state.status === "created") {
      store.remove(record.id);
      continue;
    }
    const state = {
      status: "exited",
      exitCode: killedStatus,
      startedAt: record.state.startedAt,
      finishedAt: new Date().toISOString(),
      error: "the command that ran it was killed",
    } as const;
    store.save({ ...record, state }, { durable: true });
  }
}
