import { existsSync } from "node:fs";
import type { Host } from "#host";

/** Limits in docker's words, for the cgroup of a container. */
export interface ResourceLimits {
  readonly nanoCpus?: number;
  readonly cpuShares?: number;
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly memoryBytes?: number;
  /** Memory and swap together; -1 is no limit of swap. */
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly memorySwappiness?: number;
  readonly pidsLimit?: number;
  readonly blkioWeight?: number;
  readonly blkioWeightDevices?: readonly DeviceNumber[];
  readonly deviceReadBps?: readonly DeviceNumber[];
  readonly deviceWriteBps?: readonly DeviceNumber[];
  readonly deviceReadIops?: readonly DeviceNumber[];
  readonly deviceWriteIops?: readonly DeviceNumber[];
  readonly oomKillDisable?: boolean;
}

/** A number for one disk: a rate or a weight. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
  readonly value: number;
}

/** Whether the kernel counts swap. */
export function canLimitSwap({ probes }: Pick<Host, "probes">): boolean {
  return probes.cgroupMode() === "v2" || existsSync("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes");
}

const defaultPeriod = 100_000;

/**
 * `linux.resources`, without the device rules. With memory and no word about swap there may be as much of it again, as
 * docker has it.
 * @see https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#control-groups
 */
export function specResources(
  limits: ResourceLimits,
  hasSwapLimit: boolean,
): Readonly<Record<string, unknown>> {
  const memory = defined({
    limit: limits.memoryBytes,
    reservation: limits.memoryReservationBytes,
    swap: hasSwapLimit ? swapOf(limits) : undefined,
    swappiness: limits.memorySwappiness,
    disableOOMKiller: limits.oomKillDisable,
  });
  const cpu = defined({
    shares: limits.cpuShares,
    quota:
      limits.nanoCpus === undefined ? limits.cpuQuota : Math.round((limits.nanoCpus / 1e9) * defaultPeriod),
    period: limits.nanoCpus === undefined ? limits.cpuPeriod : defaultPeriod,
    cpus: limits.cpusetCpus,
    mems: limits.cpusetMems,
  });
  const pids = defined({ limit: pidsOf(limits) });
  const blockIO = defined({
    weight: limits.blkioWeight,
    weightDevice: limits.blkioWeightDevices?.map(({ value, ...device }) => ({ ...device, weight: value })),
    throttleReadBpsDevice: throttle(limits.deviceReadBps),
    throttleWriteBpsDevice: throttle(limits.deviceWriteBps),
    throttleReadIOPSDevice: throttle(limits.deviceReadIops),
    throttleWriteIOPSDevice: throttle(limits.deviceWriteIops),
  });
  return Object.fromEntries(
    Object.entries({ memory, cpu, pids, blockIO }).filter(([, value]) => Object.keys(value).length > 0),
  );
}

function throttle(devices: readonly DeviceNumber[] | undefined): readonly object[] | undefined {
  return devices?.map(({ value, ...device }) => ({ ...device, rate: value }));
}

/** PID_MAX_LIMIT: crun has no word for the kernel's "max". */
const mostPids = 4_194_304;

function pidsOf({ pidsLimit }: ResourceLimits): number | undefined {
  return pidsLimit !== undefined && pidsLimit <= 0 ? mostPids : pidsLimit;
}

function swapOf({ memoryBytes, memorySwapBytes }: ResourceLimits): number | undefined {
  if (memorySwapBytes !== undefined && memorySwapBytes !== 0) return memorySwapBytes;
  return memoryBytes === undefined ? undefined : memoryBytes * 2;
}

function defined(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
