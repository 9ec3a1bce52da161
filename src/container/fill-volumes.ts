import { closeSync, existsSync, fstatSync, readdirSync } from "node:fs";
import { LighterError } from "#base";
import type { ContainerRecord } from "./container-record.ts";
import type { Parts } from "./parts.ts";

/** A volume that is still empty gets what the image has at its place, with owners, modes and links, as docker does. */
export async function fillVolumes({ host }: Parts, record: ContainerRecord, rootfs: string): Promise<void> {
  for (const mount of record.mounts) {
    if (mount.type !== "volume" || mount.copies !== true || !isEmpty(mount.source)) continue;
    const fd = host.files.openInRoot(rootfs, mount.destination);
    if (fd === undefined) continue;
    try {
      if (!fstatSync(fd).isDirectory()) continue;
      const args = ["-a", `/proc/${process.pid}/fd/${fd}/.`, mount.source];
      const { status, stderr } = await host.processes.run("cp", args);
      if (status !== 0)
        throw new LighterError(
          "RUNTIME_FAILED",
          `cannot fill volume "${mount.name ?? mount.destination}": ${stderr.toString().trim()}`,
        );
    } finally {
      closeSync(fd);
    }
  }
}

function isEmpty(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).length === 0;
}
