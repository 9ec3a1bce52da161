import { readFileSync, statfsSync } from "node:fs";
import { LighterError } from "#base";
import { runsArchitecture } from "./emulation.ts";
import type { CgroupMode, Probes } from "./host.ts";
import { hasCapability } from "./system-error.ts";

const CGROUP2_SUPER_MAGIC = 0x63677270;
const cgroups = "/sys/fs/cgroup";

/** Facts about this host. Cheap ones that may change are read each time they are asked for. */
export function createProbes(): Probes {
  let boot: string | undefined;
  return {
    cgroupMode,
    hasPrivilege: () => hasCapability("CAP_SYS_ADMIN"),
    requirePrivilege(purpose) {
      if (hasCapability("CAP_SYS_ADMIN")) return;
      throw new LighterError(
        "PRIVILEGE_MISSING",
        `cannot ${purpose}: this needs root (CAP_SYS_ADMIN is missing); run it with sudo, or in a container with --privileged`,
        { details: { capability: "CAP_SYS_ADMIN" } },
      );
    },
    hasFilesystem: (name) => new RegExp(`\\b${name}$`, "m").test(readFileSync("/proc/filesystems", "latin1")),
    bootId: () => (boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()),
    runsArchitecture: (architecture) => runsArchitecture(architecture),
    kernelRelease: () => readFileSync("/proc/sys/kernel/osrelease", "latin1").trim(),
  };
}

function cgroupMode(): CgroupMode {
  if (isCgroup2(cgroups)) return "v2";
  if (isCgroup2(`${cgroups}/unified`)) return "hybrid";
  return isV1Mounted() ? "v1" : "none";
}

function isCgroup2(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_SUPER_MAGIC;
  } catch {
    return false;
  }
}

function isV1Mounted(): boolean {
  return / - cgroup /.test(readFileSync("/proc/self/mountinfo", "utf8"));
}
