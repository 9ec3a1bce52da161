import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupPath } from "./cgroup-path.ts";
import type { ContainerRecord } from "./container-record.ts";
import { notRunning } from "./exec-container.ts";
import type { Parts } from "./parts.ts";

/** What a running container takes, now. Times in nanoseconds, all others in bytes. */
export interface Usage {
  readonly cpuNs: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly pids: number;
  readonly networkReceivedBytes: number;
  readonly networkSentBytes: number;
  readonly blockReadBytes: number;
  readonly blockWrittenBytes: number;
}

const root = "/sys/fs/cgroup";

/** The processes of a running container, by their IDs on the host. @throws CONTAINER_NOT_RUNNING */
export function listPids(parts: Parts, record: ContainerRecord): readonly number[] {
  if (record.state.pid === 0) throw notRunning(record);
  const text = read(cgroupFile(parts, "pids", record, "cgroup.procs"));
  return text.split("\n").filter(Boolean).map(Number);
}

/** @throws CONTAINER_NOT_RUNNING */
export function measureUsage(parts: Parts, record: ContainerRecord): Usage {
  if (record.state.pid === 0) throw notRunning(record);
  const file = (controller: string, name: string): string =>
    read(cgroupFile(parts, controller, record, name));
  const isV2 = parts.host.probes.cgroupMode() === "v2";
  const usage = isV2 ? usageV2(file) : usageV1(file);
  const most = hostMemory();
  return {
    ...usage,
    memoryLimitBytes:
      usage.memoryLimitBytes > 0 && usage.memoryLimitBytes < most ? usage.memoryLimitBytes : most,
    ...networkBytes(record.state.pid),
  };
}

type ReadFile = (controller: string, name: string) => string;
type CgroupUsage = Omit<Usage, "networkReceivedBytes" | "networkSentBytes">;

/** Docker counts memory without the page cache that could be dropped at once. */
function usageV1(file: ReadFile): CgroupUsage {
  const inactive = field(file("memory", "memory.stat"), "total_inactive_file");
  const io = file("blkio", "blkio.throttle.io_service_bytes");
  return {
    cpuNs: Number(file("cpuacct", "cpuacct.usage")),
    memoryBytes: Math.max(0, Number(file("memory", "memory.usage_in_bytes")) - inactive),
    memoryLimitBytes: Number(file("memory", "memory.limit_in_bytes")),
    pids: Number(file("pids", "pids.current")),
    blockReadBytes: sum(io, /^\d+:\d+ Read (\d+)$/gm),
    blockWrittenBytes: sum(io, /^\d+:\d+ Write (\d+)$/gm),
  };
}

function usageV2(file: ReadFile): CgroupUsage {
  const io = file("", "io.stat");
  const inactive = field(file("", "memory.stat"), "inactive_file");
  return {
    cpuNs: field(file("", "cpu.stat"), "usage_usec") * 1000,
    memoryBytes: Math.max(0, Number(file("", "memory.current")) - inactive),
    memoryLimitBytes: Number(file("", "memory.max").trim()) || 0,
    pids: Number(file("", "pids.current")),
    blockReadBytes: sum(io, /rbytes=(\d+)/g),
    blockWrittenBytes: sum(io, /wbytes=(\d+)/g),
  };
}

function cgroupFile({ host }: Parts, controller: string, record: ContainerRecord, name: string): string {
  return host.probes.cgroupMode() === "v2"
    ? join(root, cgroupPath(record), name)
    : join(root, controller, cgroupPath(record), name);
}

function networkBytes(pid: number): Pick<Usage, "networkReceivedBytes" | "networkSentBytes"> {
  const rows = read(`/proc/${pid}/net/dev`)
    .split("\n")
    .slice(2)
    .map((row) => row.trim().split(/[:\s]+/))
    .filter(([name]) => name !== undefined && name !== "" && name !== "lo");
  const total = (column: number): number => rows.reduce((all, row) => all + Number(row[column] ?? 0), 0);
  return { networkReceivedBytes: total(1), networkSentBytes: total(9) };
}

function hostMemory(): number {
  return field(read("/proc/meminfo").replaceAll(":", ""), "MemTotal") * 1024;
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((all, [, count]) => all + Number(count), 0);
}

/** A controller that is not there counts nothing. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
