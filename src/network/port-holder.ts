import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { PortMapping } from "#runtime";
import { labelOf, type NetworkState } from "./network-state.ts";

const LISTEN = "0A";

/** Who holds a host port, for an error: a container of this store, a process of this host, or nobody we can see. */
export function describeHolder(mapping: PortMapping, state: NetworkState): string {
  const container = publisherOf(mapping, state);
  if (container !== undefined) return `already published by container "${container}"`;
  const process = processOf(mapping);
  return process === undefined ? "it is in use on this host" : `it is in use by ${process}`;
}

function publisherOf(mapping: PortMapping, state: NetworkState): string | undefined {
  const sandbox = state.sandboxes.find(({ ports }) =>
    ports.some(
      (port) =>
        port.hostPort === mapping.hostPort &&
        port.protocol === mapping.protocol &&
        shareAddress(port, mapping),
    ),
  );
  return sandbox && labelOf(sandbox);
}

function shareAddress(left: PortMapping, right: PortMapping): boolean {
  const [a, b] = [left.hostAddress ?? "0.0.0.0", right.hostAddress ?? "0.0.0.0"];
  const isEvery = (address: string): boolean => address === "0.0.0.0" || address === "::";
  return a === b || ((isEvery(a) || isEvery(b)) && a.includes(":") === b.includes(":"));
}

/** `nginx (pid 123)`, found by the socket's inode; undefined when it is another user's or another namespace's. */
function processOf({ hostPort, protocol }: PortMapping): string | undefined {
  if (hostPort === undefined) return undefined;
  if (protocol === "sctp") return undefined;
  const inodes = new Set([protocol, `${protocol}6`].flatMap((table) => socketInodes(table, hostPort)));
  if (inodes.size === 0) return undefined;
  const pid = attempt(() => readdirSync("/proc"), []).find(
    (name) => /^\d+$/.test(name) && holdsOneOf(name, inodes),
  );
  if (pid === undefined) return undefined;
  return `${attempt(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim(), "a process")} (pid ${pid})`;
}

function socketInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return attempt(() => readFileSync(`/proc/self/net/${table}`, "latin1"), "")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(suffix) && (table.startsWith("udp") || state === LISTEN))
    .map((columns) => columns[9] ?? "");
}

function holdsOneOf(pid: string, inodes: ReadonlySet<string>): boolean {
  return attempt(() => readdirSync(`/proc/${pid}/fd`), []).some((fd) => {
    const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), "");
    return inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? "");
  });
}

// Processes come and go while /proc is read.
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
