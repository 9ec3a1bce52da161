import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LighterError } from "#base";
import { errnoOf, type Host } from "#host";
import type { ImageStore } from "#image";
import { type NetworkProvider, type Runtime, sweepContainers } from "#runtime";
import type { Snapshotter } from "#snapshot";
import type { ContainerRecord } from "./container-record.ts";
import { ContainerStore } from "./container-store.ts";
import { markRemoval } from "./removal-mark.ts";
import { runContainer } from "./run-container.ts";
import type { RunRequest } from "./run-request.ts";
import { sweepRecords } from "./sweep-records.ts";

const killTimeoutMs = 10_000;
const pollMs = 20;

/** What containers are made of. */
export interface ContainersOptions {
  /** The store; records are in `<root>/containers`, what runs is claimed in `<root>/run`. */
  readonly root: string;
  readonly host: Host;
  readonly images: Pick<ImageStore, "unpack">;
  readonly snapshots: Pick<Snapshotter, "layers">;
  /** Asked for when the first container runs. */
  readonly runtime: () => Promise<Runtime>;
  readonly network: NetworkProvider;
}

/** The containers of one store. */
export interface Containers {
  /**
   * Runs a container in the foreground to its end. With `remove` nothing of it is left, otherwise its record and its
   * writable layer stay until {@link Containers.remove}.
   * @returns the program's status, 128 + signal when it was killed
   * @throws CONTAINER_INVALID, CONTAINER_NAME_USED, USER_NOT_FOUND, NETWORK_NOT_FOUND, PORT_IN_USE, COMMAND_NOT_FOUND,
   * COMMAND_NOT_EXECUTABLE, RUNTIME_FAILED, CANCELLED
   */
  run(request: RunRequest): Promise<number>;
  /** All containers, newest first. */
  list(): readonly ContainerRecord[];
  /** By name, ID or a unique beginning of one. @throws CONTAINER_NOT_FOUND */
  get(text: string): ContainerRecord;
  /** Removes one that does not run; with `force` kills one that does. @throws CONTAINER_NOT_FOUND, CONTAINER_RUNNING */
  remove(text: string, options?: { readonly force?: boolean }): Promise<ContainerRecord>;
  /** Kills the containers whose owner died and frees what they held; a record says how its container ended. */
  sweep(): Promise<void>;
}

/** Opens the containers of a store; costs nothing until used. */
export function createContainers(options: ContainersOptions): Containers {
  const { root, host } = options;
  const store = new ContainerStore({ folder: join(root, "containers"), host });
  const runDirectory = join(root, "run");
  const parts = { ...options, store, runDirectory };
  return {
    run: (request) => runContainer(parts, request),
    list: () => store.list(),
    get: (text) => store.get(text),
    remove: async (text, { force = false } = {}) => {
      const record = store.get(text);
      if (existsSync(join(runDirectory, record.id)))
        await endRunning(record, { force, options, runDirectory });
      store.remove(record.id);
      return record;
    },
    sweep: async () => {
      await sweepContainers(host, runDirectory);
      sweepRecords(store, runDirectory);
      await options.network.sweep();
    },
  };
}

/** Kills, then waits for the owner to undo what it made. */
async function endRunning(
  record: ContainerRecord,
  context: { readonly force: boolean; readonly options: ContainersOptions; readonly runDirectory: string },
): Promise<void> {
  const { force, options, runDirectory } = context;
  if (!force)
    throw new LighterError(
      "CONTAINER_RUNNING",
      `cannot remove container "${record.name}": it is running; stop it or use force`,
      { details: { id: record.id } },
    );
  const runtime = await options.runtime();
  const claim = join(runDirectory, record.id);
  markRemoval(claim);
  for (
    const deadline = Date.now() + killTimeoutMs;
    !isFree(options.host, join(claim, "lock"));
    await delay(pollMs)
  ) {
    if (Date.now() > deadline)
      throw new LighterError("RUNTIME_FAILED", `cannot remove container "${record.name}": it does not end`);
    // Again and again, because the owner may be about to start it.
    await runtime.remove(record.id);
  }
}

/** Whether the owner is done with the container, or dead. */
function isFree(host: Pick<Host, "locks">, claim: string): boolean {
  try {
    using lock = host.locks.tryAcquire(claim, "exclusive");
    return lock !== undefined;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return true;
    throw error;
  }
}
