import { closeSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { prepareMountPoints } from "#runtime";
import type { ContainerRecord } from "./container-record.ts";
import { fillVolumes } from "./fill-volumes.ts";
import type { Parts } from "./parts.ts";

/**
 * Shows the volumes, the directories of the host and the network files of a container that does not run in its mounted root,
 * as docker does for a copy. A place is found in the root: a link in it leads nowhere else. They go with the mount of the root.
 */
export async function mountVolumes(parts: Parts, record: ContainerRecord, rootfs: string): Promise<void> {
  await fillVolumes(parts, record, rootfs);
  for (const { source, destination, readOnly } of sourcesOf(parts, record)) {
    prepareMountPoints(parts.host, rootfs, [{ destination, type: "bind", source }]);
    const fd = parts.host.files.openInRoot(rootfs, destination);
    if (fd === undefined) continue;
    try {
      parts.host.mounts.bindAt(source, fd, { readOnly });
    } finally {
      closeSync(fd);
    }
  }
}

interface Shown {
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
}

function sourcesOf({ store }: Parts, record: ContainerRecord): readonly Shown[] {
  const kept = ["hosts", "hostname", "resolv.conf"].map((name): Shown => {
    const source = join(store.directory(record.id), name);
    return { source, destination: `/etc/${name}`, readOnly: false };
  });
  const asked = record.mounts.flatMap((mount): readonly Shown[] => (mount.type === "tmpfs" ? [] : [mount]));
  const taken = new Set(asked.map(({ destination }) => destination));
  return [...kept.filter(({ destination }) => !taken.has(destination)), ...asked]
    .filter(({ source }) => existsSync(source) && isMountable(source))
    .toSorted((a, b) => depth(a) - depth(b));
}

function isMountable(source: string): boolean {
  const stat = statSync(source);
  return stat.isDirectory() || stat.isFile();
}

function depth({ destination }: Shown): number {
  return destination.split("/").filter(Boolean).length;
}
