import { readFileSync } from "node:fs";
import { allCapabilities, type RuntimeSpec } from "#runtime";

/** The specification of `RUN --security=insecure`: every capability and device, nothing masked, no seccomp filter. */
export function unconfined(spec: RuntimeSpec): RuntimeSpec {
  const { seccomp: _seccomp, maskedPaths: _masked, readonlyPaths: _readonly, ...linux } = spec.linux;
  const capabilities = grantable();
  const sets = ["bounding", "effective", "permitted", "inheritable", "ambient"] as const;
  return {
    ...spec,
    process: {
      ...spec.process,
      capabilities: Object.fromEntries(sets.map((set) => [set, capabilities])) as NonNullable<
        RuntimeSpec["process"]["capabilities"]
      >,
    },
    mounts: spec.mounts.map((mount) =>
      mount.type === "sysfs" || mount.type === "cgroup"
        ? { ...mount, options: (mount.options ?? []).filter((option) => option !== "ro") }
        : mount,
    ),
    linux: {
      ...linux,
      resources: { ...(linux.resources as object), devices: [{ allow: true, access: "rwm" }] },
    },
  };
}

/** What this process may hand on: no one can give a capability that its own bounding set lacks. */
function grantable(): readonly string[] {
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  const bits = BigInt(`0x${bounding}`);
  return allCapabilities.filter((_name, number) => (bits >> BigInt(number)) & 1n);
}
