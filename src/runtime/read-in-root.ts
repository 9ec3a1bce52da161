import { closeSync, fstatSync, readFileSync } from "node:fs";
import type { Host } from "#host";

// Account files of real systems are some kilobytes; an image with more is up to no good.
const largestFileBytes = 4 << 20;

/**
 * Reads a text file of a container's root, with every link resolved inside that root.
 * @returns undefined when it is absent, no regular file or too large
 */
export function readFileInRoot(host: Pick<Host, "files">, rootfs: string, path: string): string | undefined {
  const fd = host.files.openInRoot(rootfs, path);
  if (fd === undefined) return undefined;
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > largestFileBytes) return undefined;
    return readFileSync(`/proc/self/fd/${fd}`, "utf8");
  } finally {
    closeSync(fd);
  }
}
