import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, LighterError } from "#base";
import { errnoOf, type Host, type Lock } from "#host";
import { openRuntime, type RuntimeHost } from "./oci-runtime.ts";
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
}

type ClaimHost = Pick<Host, "locks">;

/** Claims an id. @throws CONTAINER_NAME_USED when a living process holds it */
export function claimContainer(host: ClaimHost, runDirectory: string, id: string): ContainerClaim {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(id))
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot use "${id}" as a container id: want letters, digits, "_", "." and "-"`,
    );
  const directory = join(runDirectory, id);
  const lock = lockDirectory(host, directory);
  if (lock === undefined)
    throw new LighterError("CONTAINER_NAME_USED", `cannot run container "${id}": it is running already`);
  const bundle = join(directory, "bundle");
  rmSync(bundle, { recursive: true, force: true });
  mkdirSync(bundle, { mode: 0o700 });
  return {
    id,
    directory,
    bundle,
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true });
      lock[Symbol.dispose]();
    },
  };
}

function lockDirectory(host: ClaimHost, directory: string): Lock | undefined {
  for (let tries = 0; ; tries += 1) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    try {
      return host.locks.tryAcquire(join(directory, "lock"), "exclusive");
    } catch (error) {
      // A sweep may remove the directory between the two calls.
      if (errnoOf(error) !== "ENOENT" || tries === 10) throw error;
    }
  }
}

/**
 * Kills and removes the containers whose owner died, and what they left under `runDirectory`.
 * @returns the ids that were removed
 * @throws AggregateError of RUNTIME_FAILED for those that resist; the others are removed all the same
 */
export async function sweepContainers(
  host: RuntimeHost & Pick<Host, "locks">,
  runDirectory: string,
): Promise<readonly string[]> {
  const removed: string[] = [];
  const failures: unknown[] = [];
  for (const id of listClaims(runDirectory)) {
    using lock = lockDead(host, join(runDirectory, id));
    if (lock === undefined) continue;
    try {
      await removeFromRuntimes(host, runDirectory, id);
      rmSync(join(runDirectory, id), { recursive: true, force: true });
      removed.push(id);
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
    .filter((entry) => entry.isDirectory() && existsSync(join(runDirectory, entry.name, "lock")))
    .map((entry) => entry.name);
}

/** The lock of a dead owner's claim; undefined when the owner lives, or has just removed the claim itself. */
function lockDead(host: ClaimHost, directory: string): Lock | undefined {
  try {
    return host.locks.tryAcquire(join(directory, "lock"), "exclusive");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function removeFromRuntimes(host: RuntimeHost, runDirectory: string, id: string): Promise<void> {
  for (const name of ["crun", "runc"] as const) {
    const stateDirectory = stateDirectoryOf(runDirectory, name);
    const path = host.processes.find(name);
    if (path === undefined || !existsSync(join(stateDirectory, id))) continue;
    await openRuntime(host, { name, path, stateDirectory }).remove(id);
  }
}
