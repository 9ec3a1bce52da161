import type { SpecMount } from "./runtime-spec.ts";

// Facts of docker, from moby daemon/pkg/oci (v29): what a container gets when nobody asks for anything.

/** The capabilities of a container. */
export const defaultCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** Every capability of Linux 5.9 and later, in the kernel's order. @see linux/capability.h */
export const allCapabilities: readonly string[] = `
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
  NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
  SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG
  MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM
  BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
`
  .trim()
  .split(/\s+/)
  .map((name) => `CAP_${name}`);

/** Hidden: they tell of, or reach into, the host. */
export const maskedPaths: readonly string[] = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

export const readonlyPaths: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export const defaultCgroupParent = "/lighter";
export const defaultShmBytes = 64 << 20;

/** The mounts that every container has, in the order in which they cover each other. */
export function defaultMounts(options: {
  readonly shmBytes: number;
  readonly hasCgroups: boolean;
}): readonly SpecMount[] {
  const confined = ["nosuid", "noexec", "nodev"];
  const cgroup = filesystem("/sys/fs/cgroup", "cgroup", ["ro", ...confined]);
  return [
    filesystem("/proc", "proc", confined),
    filesystem("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    filesystem("/dev/pts", "devpts", [
      "nosuid",
      "noexec",
      "newinstance",
      "ptmxmode=0666",
      "mode=0620",
      "gid=5",
    ]),
    filesystem("/sys", "sysfs", [...confined, "ro"]),
    ...(options.hasCgroups ? [cgroup] : []),
    filesystem("/dev/mqueue", "mqueue", confined),
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: [...confined, "mode=1777", `size=${options.shmBytes}`],
    },
  ];
}

function filesystem(destination: string, type: string, options: readonly string[]): SpecMount {
  return { destination, type, source: type, options };
}

/**
 * The device cgroup: nothing but the pseudo devices that the runtime makes, and making nodes (mknod) without opening
 * them. Without it CAP_MKNOD would open the disks of the host.
 */
export const deviceRules: readonly unknown[] = [
  { allow: false, access: "rwm" },
  ...["c", "b"].map((type) => ({ allow: true, type, access: "m" })),
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 1],
    [5, 2],
  ].map(([major, minor]) => ({ allow: true, type: "c", major, minor, access: "rwm" })),
  { allow: true, type: "c", major: 136, access: "rwm" },
];
