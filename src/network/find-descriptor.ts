import { readdirSync, readlinkSync } from "node:fs";

/** Which process holds a socket, and as which descriptor: for what its owner handed over to a process that we do not know. */
export function findDescriptor(inode: number): { readonly pid: number; readonly fd: number } | undefined {
  const target = `socket:[${inode}]`;
  for (const pid of entries("/proc").filter((name) => /^\d+$/.test(name))) {
    const fd = entries(`/proc/${pid}/fd`).find((name) => linkOf(`/proc/${pid}/fd/${name}`) === target);
    if (fd !== undefined) return { pid: Number(pid), fd: Number(fd) };
  }
  return undefined;
}

// Processes and descriptors come and go while /proc is read.
function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
