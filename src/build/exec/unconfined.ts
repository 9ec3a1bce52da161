import { allCapabilities, type RuntimeSpec } from "#runtime";

/** The specification of `RUN --security=insecure`: every capability and device, nothing masked, no seccomp filter. */
export function unconfined(spec: RuntimeSpec): RuntimeSpec {
  const { seccomp: _seccomp, maskedPaths: _masked, readonlyPaths: _readonly, ...linux } = spec.linux;
  const sets = ["bounding", "effective", "permitted", "inheritable", "ambient"] as const;
  return {
    ...spec,
    process: {
      ...spec.process,
      capabilities: Object.fromEntries(sets.map((set) => [set, allCapabilities])) as NonNullable<
        RuntimeSpec["process"]["capabilities"]
      >,
    },
    mounts: spec.mounts.map((mount) =>
      mount.type === "sysfs" || mount.type === "cgroup"
        ? { ...mount, options: (mount.options ?? []).filter((option) => option !== "ro") }
        : mount,
    ),
    linux: { ...linux, resources: { devices: [{ allow: true, access: "rwm" }] } },
  };
}
