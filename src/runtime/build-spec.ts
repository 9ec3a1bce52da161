import { customSeccomp } from "./custom-seccomp.ts";
import type { RuntimeSpec, SpecDevice, SpecMount, SpecProcess } from "./runtime-spec.ts";
import { defaultSeccomp, type SeccompFacts, type SpecSeccomp } from "./seccomp.ts";
import {
  allCapabilities,
  defaultCapabilities,
  defaultCgroupParent,
  defaultMounts,
  defaultPath,
  defaultShmBytes,
  deviceRules,
  maskedPaths,
  readonlyPaths,
} from "./spec-defaults.ts";
import type { SpecFacts } from "./spec-facts.ts";
import type { ResolvedUser } from "./user.ts";

/** What a container is to be; everything else is docker's default. */
export interface SpecOptions {
  readonly id: string;
  /** Absolute path of the mounted root. */
  readonly rootfs: string;
  readonly readOnly?: boolean;
  readonly args: readonly string[];
  /** `NAME=value`; a later one wins. PATH and HOME are added when missing. */
  readonly env?: readonly string[];
  /** @defaultValue `/` */
  readonly cwd?: string;
  /** Of `resolveUser`. @defaultValue root */
  readonly user?: ResolvedUser;
  readonly hostname: string;
  /** `host` joins the network of the host, a path that namespace, undefined makes an empty one. */
  readonly network?: "host" | { readonly path: string };
  /** Host paths of the files that are bound over the image's own. */
  readonly files?: { readonly hosts?: string; readonly resolvConf?: string; readonly hostname?: string };
  readonly mounts?: readonly SpecMount[];
  readonly terminal?: boolean;
  readonly shmBytes?: number;
  /** `host` shows the host's /dev/shm, `none` has none, a path what is there. @defaultValue a file system of its own */
  readonly shm?: "host" | "none" | { readonly path: string };
  readonly capabilities?: readonly string[];
  /** Every capability and device, nothing masked, no seccomp. */
  readonly privileged?: boolean;
  /** Without the filter of system calls. */
  readonly isUnconfined?: boolean;
  /** A profile of docker's form instead of docker's own. */
  readonly seccompProfile?: string;
  /** A profile of AppArmor that the host has loaded. */
  readonly apparmorProfile?: string;
  /** Nothing of /proc and /sys is hidden or read-only. */
  readonly isUnmasked?: boolean;
  /** `linux.resources` besides the device rules. */
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly devices?: readonly SpecDevice[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly oomScoreAdj?: number;
  /** `host`, or the path of a namespace to join; a namespace of its own when undefined. */
  readonly pid?: string;
  readonly ipc?: string;
  readonly uts?: string;
  /** The path of a user namespace to join, which the network's must belong to; the host's user IDs when undefined. */
  readonly userNamespace?: string;
  /** @defaultValue a namespace of its own on cgroup v2, the host's on v1 */
  readonly cgroup?: "host" | "private";
  /** @defaultValue `/lighter` */
  readonly cgroupParent?: string;
  /** Rules after those of {@link devices}. */
  readonly deviceRules?: readonly unknown[];
  readonly noNewPrivileges?: boolean;
  readonly rlimits?: SpecProcess["rlimits"];
  /**
   * `build` is the environment of a RUN step: no HOSTNAME and TERM, and the bound files cannot be written.
   * @defaultValue "container"
   */
  readonly purpose?: "container" | "build";
}

/**
 * The specification of a container as docker would run it: own pid, mount, uts, ipc and network namespaces, 14
 * capabilities, the default seccomp profile, masked and read-only paths, device rules. Pure: the same options and
 * facts give the same document.
 * @throws KERNEL_UNSUPPORTED on an architecture without a seccomp profile
 */
export function buildSpec(options: SpecOptions, facts: SpecFacts): RuntimeSpec {
  const { privileged = false, devices = [] } = options;
  const capabilities = options.capabilities ?? (privileged ? allCapabilities : defaultCapabilities);
  const isUnmasked = privileged || options.isUnmasked === true;
  const annotations = options.annotations ?? {};
  return {
    ociVersion: "1.0.2",
    ...(options.uts === undefined ? { hostname: options.hostname } : {}),
    root: { path: options.rootfs, readonly: options.readOnly ?? false },
    process: processOf(options, capabilities),
    mounts: mountsOf(options, facts),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    linux: {
      namespaces: namespacesOf(options, facts),
      ...(isUnmasked ? {} : { maskedPaths: [...maskedPaths, ...facts.thermalPaths], readonlyPaths }),
      ...(privileged || options.isUnconfined === true
        ? {}
        : { seccomp: seccompOf(options, { ...facts, capabilities }) }),
      ...(facts.cgroupMode === "none"
        ? {}
        : {
            resources: { ...options.resources, devices: privileged ? everyDevice : rulesFor(options) },
            cgroupsPath: `${options.cgroupParent ?? defaultCgroupParent}/${options.id}`,
          }),
      ...(devices.length === 0 ? {} : { devices: devices.map(nodeOf) }),
      ...sysctlOf(options),
    },
  };
}

// Unprivileged programs may bind port 80 and ping, as in docker since 20.10.
const networkSettings = {
  "net.ipv4.ip_unprivileged_port_start": "0",
  "net.ipv4.ping_group_range": "0 2147483647",
};

/** A group that a user namespace does not have cannot be named in it. */
const mappedNetworkSettings = { ...networkSettings, "net.ipv4.ping_group_range": "0 65535" };

function sysctlOf({ network, sysctls, userNamespace }: SpecOptions): Pick<RuntimeSpec["linux"], "sysctl"> {
  const own = userNamespace === undefined ? networkSettings : mappedNetworkSettings;
  const all = { ...(network === "host" ? {} : own), ...sysctls };
  return Object.keys(all).length === 0 ? {} : { sysctl: all };
}

/** The rights are no part of the node. */
function nodeOf(device: SpecDevice): Omit<SpecDevice, "access"> {
  const { access: _, ...node } = device;
  return node;
}

function seccompOf({ seccompProfile }: SpecOptions, facts: SeccompFacts): SpecSeccomp {
  return seccompProfile === undefined ? defaultSeccomp(facts) : customSeccomp(seccompProfile, facts);
}

const everyDevice = [{ allow: true, access: "rwm" }];

function rulesFor({ devices = [], deviceRules: further = [] }: SpecOptions): readonly unknown[] {
  const asked = devices.map(({ type, major, minor, access }) => ({
    allow: true,
    type,
    major,
    minor,
    access,
  }));
  return [...deviceRules, ...asked, ...further];
}

function processOf(options: SpecOptions, capabilities: readonly string[]): SpecProcess {
  const user = options.user ?? { uid: 0, gid: 0, additionalGids: [0], home: "/root" };
  return {
    terminal: options.terminal ?? false,
    args: options.args,
    env: environmentOf(options, user.home),
    cwd: options.cwd === undefined || options.cwd === "" ? "/" : options.cwd,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    capabilities: {
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
      inheritable: [],
      ambient: [],
    },
    ...(options.rlimits === undefined ? {} : { rlimits: options.rlimits }),
    ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
    noNewPrivileges: options.noNewPrivileges ?? false,
    ...(options.apparmorProfile === undefined ? {} : { apparmorProfile: options.apparmorProfile }),
  };
}

function environmentOf(options: SpecOptions, home: string): readonly string[] {
  const isBuild = options.purpose === "build";
  const variables = new Map<string, string>([["PATH", defaultPath]]);
  if (!isBuild) variables.set("HOSTNAME", options.hostname);
  if (!isBuild && options.terminal) variables.set("TERM", "xterm");
  for (const variable of options.env ?? []) {
    const equals = variable.indexOf("=");
    if (equals > 0) variables.set(variable.slice(0, equals), variable.slice(equals + 1));
    else variables.delete(variable);
  }
  if (!variables.get("HOME")) variables.set("HOME", home);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function mountsOf(options: SpecOptions, facts: SpecFacts): readonly SpecMount[] {
  const bound = [
    { destination: "/etc/resolv.conf", source: options.files?.resolvConf },
    { destination: "/etc/hostname", source: options.files?.hostname },
    { destination: "/etc/hosts", source: options.files?.hosts },
  ];
  const flags =
    options.purpose === "build"
      ? ["rbind", "ro", "nosuid", "noexec", "nodev"]
      : ["rbind", "rprivate", ...(options.readOnly === true ? ["ro"] : [])];
  const asked = options.mounts ?? [];
  const covered = new Set(asked.map((mount) => mount.destination));
  const defaults = defaultMounts({
    shmBytes: options.shmBytes ?? defaultShmBytes,
    hasCgroups: facts.cgroupMode !== "none",
  });
  const shown = defaults.flatMap((mount) => sharedMemory(mount, options.shm));
  const writable = (mount: SpecMount): SpecMount =>
    options.privileged === true && /^\/sys(\/|$)/.test(mount.destination)
      ? { ...mount, options: (mount.options ?? []).filter((option) => option !== "ro") }
      : mount;
  return [
    ...shown.filter((mount) => !covered.has(mount.destination)).map(writable),
    ...[
      ...bound.flatMap(({ destination, source }) =>
        source === undefined || covered.has(destination)
          ? []
          : [{ destination, type: "bind", source, options: flags }],
      ),
      ...asked,
    ].toSorted((a, b) => depth(a) - depth(b)),
  ];
}

/** @returns the mount, what stands for it, or nothing */
function sharedMemory(mount: SpecMount, shm: SpecOptions["shm"]): readonly SpecMount[] {
  if (mount.destination !== "/dev/shm" || shm === undefined) return [mount];
  if (shm === "none") return [];
  const [source, confined] = shm === "host" ? ["/dev/shm", []] : [shm.path, ["nosuid", "nodev", "noexec"]];
  const options = ["rbind", "rprivate", ...confined];
  return [{ destination: "/dev/shm", type: "bind", source, options }];
}

/** A mount must come before those inside of it. */
function depth(mount: SpecMount): number {
  return mount.destination.split("/").filter(Boolean).length;
}

type SpecNamespace = RuntimeSpec["linux"]["namespaces"][number];

function namespacesOf(options: SpecOptions, facts: SpecFacts): RuntimeSpec["linux"]["namespaces"] {
  const own: SpecNamespace[] = (["pid", "mount", "uts", "ipc"] as const).flatMap((type) => {
    const wanted = type === "mount" ? undefined : options[type];
    return wanted === "host" ? [] : [{ type, ...(wanted === undefined ? {} : { path: wanted }) }];
  });
  const isPrivate = (options.cgroup ?? (facts.cgroupMode === "v2" ? "private" : "host")) === "private";
  const cgroup = isPrivate && facts.cgroupMode !== "none" ? [{ type: "cgroup" } as const] : [];
  const { userNamespace: path } = options;
  if (path !== undefined) own.unshift({ type: "user", path });
  if (options.network === "host") return [...own, ...cgroup];
  return [...own, { type: "network", ...options.network }, ...cgroup];
}
