import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import type { Host } from "#host";
import { type DeviceNumber, defaultCgroupParent, type ResourceLimits } from "#runtime";
import type { DeviceRate, Limits } from "./container-record.ts";

const root = "/sys/fs/cgroup";

/** Limits with the numbers of their disks. @throws CONTAINER_INVALID when one is no block device of this host */
export function resourceLimits(limits: Limits): ResourceLimits {
  const { blkioWeightDevices, deviceReadBps, deviceWriteBps, deviceReadIops, deviceWriteIops, ...plain } =
    limits;
  const lists = { blkioWeightDevices, deviceReadBps, deviceWriteBps, deviceReadIops, deviceWriteIops };
  const numbers = Object.entries(lists).flatMap(([name, rates]) =>
    rates === undefined ? [] : [[name, rates.map(deviceNumber)] as const],
  );
  return { ...plain, ...Object.fromEntries(numbers) };
}

function deviceNumber({ path, rate }: DeviceRate): DeviceNumber {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isBlockDevice() !== true)
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot limit device "${path}": it is no block device of this host`,
    );
  const major = ((stat.rdev >> 8) & 0xfff) >>> 0;
  const minor = ((stat.rdev & 0xff) | ((stat.rdev >> 12) & 0xfff00)) >>> 0;
  return { major, minor, value: rate };
}

/** Reads docker's `--device-cgroup-rule "c 13:* rwm"`. @throws CONTAINER_INVALID */
export function parseDeviceRule(text: string): object {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null)
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot use device rule "${text}": want TYPE MAJOR:MINOR ACCESS, as "c 13:* rwm"`,
    );
  const [, type, major, minor, access] = match;
  const number = (name: string, word: string | undefined): object =>
    word === "*" ? {} : { [name]: Number(word) };
  return { allow: true, type, ...number("major", major), ...number("minor", minor), access };
}

/** Limits of disks need what not every kernel has. @throws CONTAINER_INVALID, saying what is missing */
export function checkDiskLimits(host: Pick<Host, "probes">, limits: Limits): void {
  const hasWeight = limits.blkioWeight !== undefined || limits.blkioWeightDevices !== undefined;
  const { deviceReadBps, deviceWriteBps, deviceReadIops, deviceWriteIops } = limits;
  const hasRate = [deviceReadBps, deviceWriteBps, deviceReadIops, deviceWriteIops].some(
    (rates) => rates !== undefined,
  );
  if (!hasWeight && !hasRate) return;
  const mode = host.probes.cgroupMode();
  if (mode === "none") throw lacks("limits of disks", "cgroups are not mounted");
  const isV2 = mode === "v2";
  if (isV2 && !controllers().includes("io")) throw lacks("limits of disks", "cgroup v2 has no io controller");
  if (!isV2 && hasRate && !existsSync(join(root, "blkio/blkio.throttle.read_bps_device")))
    throw lacks("--device-read-bps and its kin", "cgroup v1 has no blkio throttle");
  if (hasWeight && !hasWeights(isV2))
    throw lacks("--blkio-weight", "no I/O scheduler with weights (bfq, or iocost on v2) is at work");
}

/** The root cgroup itself has no weight, so it is looked for in the one that containers are in. */
function hasWeights(isV2: boolean): boolean {
  const folder = join(root, isV2 ? "" : "blkio", defaultCgroupParent);
  mkdirSync(folder, { recursive: true });
  // Not blkio.bfq.weight: crun does not know it.
  return (isV2 ? ["io.weight", "io.bfq.weight"] : ["blkio.weight"]).some((name) =>
    existsSync(join(folder, name)),
  );
}

function controllers(): readonly string[] {
  try {
    return readFileSync(join(root, "cgroup.controllers"), "latin1").trim().split(" ");
  } catch {
    return [];
  }
}

function lacks(what: string, state: string): LighterError {
  return new LighterError("CONTAINER_INVALID", `cannot use ${what}: ${state} on this host`);
}
