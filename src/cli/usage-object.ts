import { formatBytes } from "#base";
import { containerRow } from "./commands/ps.ts";
import type { Usage } from "./commands/system-df.ts";
import { ago, imageColumns } from "./image-words.ts";

/** What `docker system df -v --format` hands to a template. */
export function usageObject(
  { images, containers, volumes, cache }: Usage,
  root: string,
  nowMs: number,
): Readonly<Record<string, readonly object[]>> {
  return {
    Images: images.map(({ id, name, created, sizeBytes, users }) =>
      imageColumns(
        {
          containers: String(users),
          digest: "",
          id,
          name: name === "<none>" ? undefined : name,
          created,
          sizeBytes,
        },
        nowMs,
      ),
    ),
    Containers: containers.map(({ record, sizeBytes }) => {
      const { Label: _, ...row } = containerRow(record, true, nowMs);
      return { ...row, Size: formatBytes(sizeBytes) };
    }),
    Volumes: volumes.map(({ name, labels, sizeBytes, users }) => ({
      Availability: "N/A",
      Driver: "local",
      Group: "N/A",
      Labels: Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
      Links: String(users),
      Mountpoint: `${root}/volumes/${name}/_data`,
      Name: name,
      Scope: "local",
      Size: formatBytes(sizeBytes),
      Status: "N/A",
    })),
    BuildCache: cache.map(({ id, kind, name, sizeBytes, lastUsedMs, isShared }) => ({
      CacheType: kind === "mount" ? "exec.cachemount" : "regular",
      Description: name,
      ID: id,
      InUse: "false",
      LastUsedSince: ago(new Date(lastUsedMs).toISOString(), nowMs),
      Shared: String(isShared),
      Size: formatBytes(sizeBytes),
    })),
  };
}
