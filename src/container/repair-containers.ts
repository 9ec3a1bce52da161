import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { cgroupPath } from "./cgroup-path.ts";
import { isLive } from "./container-record.ts";
import type { Parts } from "./parts.ts";
import { sweepParts } from "./sweep-containers.ts";

const copyMs = 3_600_000;

/** Settles what the dead left, looks for what no sweep comes across, and says what was put in order. */
export async function repairContainers(parts: Parts): Promise<readonly string[]> {
  const { store, runDirectory } = parts;
  const before = store.list().filter(({ state }) => isLive(state));
  await sweepParts(parts);
  const ended = before
    .filter(({ id }) => {
      const now = store.find(id);
      return now === undefined || !isLive(now.state);
    })
    .map(({ name }) => `container "${name}" had lost its monitor and was ended`);
  return [...ended, ...(await removeCgroupsLeft(parts)), ...freeNames(parts), ...removeCopies(runDirectory)];
}

/** Of containers that do not run. */
async function removeCgroupsLeft(parts: Parts): Promise<readonly string[]> {
  const left = parts.store
    .list()
    .filter((record) => !isLive(record.state) && !existsSync(join(parts.runDirectory, record.id)))
    .filter((record) => hierarchies().some((folder) => existsSync(join(folder, cgroupPath(record)))));
  for (const record of left)
    await (await parts.runtime(record.runtime)).remove(record.id, cgroupPath(record));
  return left.map(({ name }) => `cgroups of container "${name}" were removed`);
}

function hierarchies(): readonly string[] {
  const root = "/sys/fs/cgroup";
  return existsSync(root) ? [root, ...readdirSync(root).map((name) => join(root, name))] : [];
}

/** A name whose container is gone. */
function freeNames({ root, store }: Parts): readonly string[] {
  const folder = join(root, "containers", "by-name");
  if (!existsSync(folder)) return [];
  const dangling = readdirSync(folder).filter((name) => {
    const id = readFileSync(join(folder, name), "utf8");
    return !existsSync(store.directory(id));
  });
  for (const name of dangling) rmSync(join(folder, name), { force: true });
  return dangling.map((name) => `the name "${name}", which no container had, was freed`);
}

/** Of copies that were killed. */
function removeCopies(runDirectory: string): readonly string[] {
  if (!existsSync(runDirectory)) return [];
  const old = readdirSync(runDirectory).filter(
    (name) => name.startsWith(".copy-") && Date.now() - statSync(join(runDirectory, name)).mtimeMs > copyMs,
  );
  for (const name of old) rmSync(join(runDirectory, name), { recursive: true, force: true });
  return old.length === 0 ? [] : [`${old.length} unfinished copies were removed`];
}
