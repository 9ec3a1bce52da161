import { existsSync, readdirSync } from "node:fs";
import type { CgroupMode, Host } from "#host";
import { normalizePlatform } from "#oci";

/** What a specification depends on besides what was asked. */
export interface SpecFacts {
  /** In the image specification's words. */
  readonly architecture: string;
  readonly kernelRelease: string;
  readonly cgroupMode: CgroupMode;
  /** Per-processor paths to mask; a side channel (GHSA-6fw5-f8r9-fgfm). */
  readonly thermalPaths: readonly string[];
}

const processors = "/sys/devices/system/cpu";

/** Reads the facts of this host; they hold until it boots again. */
export function readSpecFacts(host: Pick<Host, "probes">): SpecFacts {
  return {
    architecture: normalizePlatform({ os: "linux", architecture: process.arch }).architecture,
    kernelRelease: host.probes.kernelRelease(),
    cgroupMode: host.probes.cgroupMode(),
    thermalPaths: listThermalPaths(),
  };
}

function listThermalPaths(): readonly string[] {
  if (!existsSync(processors)) return [];
  return readdirSync(processors)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${processors}/${name}/thermal_throttle`)
    .filter((path) => existsSync(path));
}
