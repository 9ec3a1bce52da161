import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorMessage, LighterError } from "#base";
import { type Host, removeTree } from "#host";
import { removeStandIn } from "./cgroups.ts";
import { lockClaim, lockDeadClaim, removeClaim, removeStrays } from "./claim-directory.ts";
import { openRuntime, type RuntimeHost } from "./oci-runtime.ts";
import type { RuntimeSpec } from "./runtime-spec.ts";
import { stateDirectoryOf } from "./runtime-state.ts";

/**
 * A container that this process answers for: a directory `<run>/<id>/` with a lock that the kernel frees when the
 * process dies. Disposing removes the directory. Every container must be claimed before it is run, because the sweep
 * finds dead ones by their claims.
 */
export interface ContainerClaim extends Disposable {
  readonly id: string;
  readonly directory: string;
  /** Empty; for {@link ContainerProcess.bundle}. */
  readonly bundle: string;
  /** Of the lock; a process that inherits it answers for the container as well. */
  readonly fd: number;
  /** Ends this process's part after another one has inherited the lock. Nothing is removed. */
  handOver(): void;
}

const patienceMs = 30_000;

type ClaimHost = Pick<Host, "locks">;
type SweepHost = RuntimeHost & ClaimHost;

/** Claims an id. @throws CONTAINER_NAME_USED when a living process holds it */
export function claimContainer(host: ClaimHost, runDirectory: string, id: string): ContainerClaim {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(id))
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot use "${id}" as a container id: want letters, digits, "_", "." and "-"`,
    );
  const directory = join(runDirectory, id);
  const lock = lockClaim(host, directory);
  if (lock === undefined)
    throw new LighterError("CONTAINER_NAME_USED", `cannot run container "${id}": it is running already`);
  const bundle = bundleOf(directory);
  if (existsSync(bundle)) removeTree(bundle);
  mkdirSync(bundle, { mode: 0o700 });
  let isOurs = true;
  return {
    id,
    directory,
    bundle,
    fd: lock.fd,
    handOver() {
      isOurs = false;
      lock[Symbol.dispose]();
    },
    [Symbol.dispose]() {
      if (isOurs) removeClaim(directory);
      isOurs = false;
      lock[Symbol.dispose]();
    },
  };
}

function bundleOf(directory: string): string {
  return join(directory, "bundle");
}

/**
 * Kills and removes the containers whose owner died, and what they left under `runDirectory`.
 * @param hasEnded whether a claim that nobody holds is of a container that has seen to the runtime's state and the cgroups
 * itself: then there is nothing to look for, and only the claim goes
 * @returns the ids that were removed otherwise
 * @throws AggregateError of RUNTIME_FAILED for those that resist; the others are removed all the same
 */
export async function sweepContainers(
  host: SweepHost,
  runDirectory: string,
  hasEnded: (id: string) => boolean = () => false,
): Promise<readonly string[]> {
  const removed: string[] = [];
  const failures: unknown[] = [];
  removeStrays(runDirectory);
  for (const id of listClaims(runDirectory)) {
    using lock = lockDeadClaim(host, join(runDirectory, id));
    if (lock === undefined) continue;
    try {
      const isLost = !hasEnded(id);
      if (isLost) await removeContainer(host, runDirectory, id);
      removeClaim(join(runDirectory, id));
      if (isLost) removed.push(id);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0)
    throw new AggregateError(
      failures,
      `cannot remove dead containers: ${failures.map(errorMessage).join("; ")}`,
    );
  return removed;
}

function listClaims(runDirectory: string): readonly string[] {
  if (!existsSync(runDirectory)) return [];
  return readdirSync(runDirectory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .filter((id) => existsSync(join(runDirectory, id, "lock")));
}

/**
 * A runtime that was just starting when its owner died has no state yet and would go on: so it is killed as well, and
 * what it left by then is removed in another round.
 */
async function removeContainer(host: SweepHost, runDirectory: string, id: string): Promise<void> {
  const bundle = bundleOf(join(runDirectory, id));
  const cgroupPath = readCgroupPath(bundle);
  // What was killed takes its time to be gone, seconds where the machine is busy.
  const deadline = Date.now() + patienceMs;
  for (let round = 0; Date.now() < deadline; round += 1) {
    await removeFromRuntimes(host, runDirectory, { id, cgroupPath });
    const starting = listStarting(host, runDirectory, { id, bundle });
    if (starting.length === 0) return removeStandIn(id, cgroupPath);
    // A runtime whose container was removed ends by itself, and tidily; one that is starting does not.
    const isStarting = (pid: number): boolean =>
      listStarting(host, runDirectory, { id, bundle }).includes(pid);
    if (round > 2) for (const pid of starting) host.processes.killMeant(pid, () => isStarting(pid));
    await delay(10);
  }
  throw new LighterError("RUNTIME_FAILED", `cannot remove container "${id}": its runtime does not end`);
}

/** Runtimes that a dead process started for the container: by its bundle, or in it, where only the ID tells. */
function listStarting(
  host: SweepHost,
  runDirectory: string,
  { id, bundle }: { readonly id: string; readonly bundle: string },
): readonly number[] {
  const { listWithArgument } = host.processes;
  const ofStore = new Set(
    runtimeNames.flatMap((name) => listWithArgument(stateDirectoryOf(runDirectory, name))),
  );
  return [
    ...new Set([...listWithArgument(bundle), ...listWithArgument(id).filter((pid) => ofStore.has(pid))]),
  ];
}

/** As the bundle says; undefined where the owner died before it wrote that. */
function readCgroupPath(bundle: string): string | undefined {
  try {
    const spec: Partial<RuntimeSpec> = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    return spec.linux?.cgroupsPath;
  } catch {
    return undefined;
  }
}

const runtimeNames = ["crun", "runc"] as const;

async function removeFromRuntimes(
  host: SweepHost,
  runDirectory: string,
  { id, cgroupPath }: { readonly id: string; readonly cgroupPath: string | undefined },
): Promise<void> {
  for (const name of runtimeNames) {
    const stateDirectory = stateDirectoryOf(runDirectory, name);
    const path = host.processes.find(name);
    if (path === undefined || !existsSync(stateDirectory)) continue;
    await openRuntime(host, { name, path, stateDirectory }).remove(id, cgroupPath);
  }
}
