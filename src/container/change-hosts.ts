import { lstatSync, readFileSync, writeFileSync } from "node:fs";

/** Lines of an /etc/hosts, each an address and its names. */
export interface HostsChange {
  readonly gone: readonly string[];
  readonly come: readonly string[];
}

// The container may have written anything into it.
const maxBytes = 1 << 20;

/** Changes it in place: what the container sees is this very file. One that is gone, or larger than a MiB, stays as it is. */
export function changeHosts(path: string, { gone, come }: HostsChange): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.size > maxBytes) return;
  const lines = readFileSync(path, "latin1").split("\n");
  if (lines.at(-1) === "") lines.pop();
  const kept = lines.filter((line) => !gone.includes(line));
  writeFileSync(path, [...kept, ...come.filter((line) => !kept.includes(line)), ""].join("\n"), "latin1");
}
