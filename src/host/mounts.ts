import { closeSync, statfsSync } from "node:fs";
import { LighterError } from "#base";
import { actingAs } from "./file-owner.ts";
import { openForeignTree } from "./foreign-mount.ts";
import type { Mount, Mounts } from "./host.ts";
import { mountOverlay } from "./overlay.ts";
import { AT_FDCWD, type Sys } from "./sys.ts";
import { systemError } from "./system-error.ts";

const CLONE_NEWNS = 0x00020000;
const MS_RDONLY = 0x1;
const MS_NOSUID = 0x2;
const MS_NODEV = 0x4;
const MS_REMOUNT = 0x20;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_SLAVE = 0x80000;
const MNT_DETACH = 0x2;
const UMOUNT_NOFOLLOW = 0x8;
const AT_RECURSIVE = 0x8000;
const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const MOUNT_ATTR_RDONLY = 1n;
const MOUNT_ATTR_IDMAP = 0x100000n;
const EINVAL = -22;
const EBUSY = -16;
const ENOENT = -2;
const ENOSYS = -38;
const CGROUP2_SUPER_MAGIC = 0x63677270;
const hybridCgroups = "/sys/fs/cgroup/unified";

/** Mounts of this process. */
export function createMounts(sys: Sys): Mounts {
  let isPrivate = false;
  return {
    enterPrivateNamespace() {
      if (!isPrivate) enterPrivateNamespace(sys);
      isPrivate = true;
    },
    overlay(options) {
      // The kernel wants a lower directory, and two when there is no upper: these trees need no overlay at all.
      const only =
        options.lower.length === 0
          ? options.upper
          : options.lower.length === 1
            ? options.lower[0]
            : undefined;
      if (only !== undefined && (options.lower.length === 0 || options.upper === undefined))
        return bind(sys, only, {
          target: options.target,
          readOnly: options.upper === undefined,
          recursive: false,
        });
      const { owner } = options;
      if (owner === undefined) mountOverlay(sys, options);
      else actingAs(sys, owner, () => mountOverlay(sys, options));
      return mountAt(sys, options.target);
    },
    bind: (source, target, options) =>
      bind(sys, source, {
        target,
        readOnly: options?.readOnly ?? false,
        recursive: options?.recursive ?? false,
      }),
    bindAt: (source, placeFd, options) =>
      bindAt(sys, source, { placeFd, readOnly: options?.readOnly ?? false }),
    takeFrom(pid, path, target) {
      const tree = openForeignTree(sys, pid, path);
      if (tree === undefined) return undefined;
      try {
        attachTree(sys, tree, target);
      } finally {
        closeSync(tree);
      }
      return mountAt(sys, target);
    },
    mapped(source, target, { fd }) {
      mountMapped(sys, source, { target, fd });
      return mountAt(sys, target);
    },
    tmpfs(target, options = {}) {
      const size = options.sizeBytes === undefined ? "" : `,size=${options.sizeBytes}`;
      const data = `mode=${(options.mode ?? 0o755).toString(8)}${size}`;
      mount(sys, { source: "tmpfs", target, type: "tmpfs", flags: MS_NOSUID | MS_NODEV, data });
      return mountAt(sys, target);
    },
  };
}

function enterPrivateNamespace(sys: Sys): void {
  const result = sys.unshare(CLONE_NEWNS);
  if (result < 0)
    throw systemError(result, {
      verb: "make",
      object: "a private mount namespace",
      capability: "CAP_SYS_ADMIN",
    });
  makeSlave(sys);
  if (isCgroup2(hybridCgroups)) hideHybridCgroups(sys);
}

function makeSlave(sys: Sys): void {
  const denied = sys.mount(null, "/", null, MS_REC | MS_SLAVE, null);
  if (denied === EINVAL)
    throw new LighterError(
      "KERNEL_UNSUPPORTED",
      'cannot use mounts of its own: "/" is no mount point, as in a plain chroot; enter it by pivot_root, as containers do, or bind-mount it onto itself before chroot',
    );
  if (denied < 0) throw systemError(denied, { verb: "mount", object: "/", capability: "CAP_SYS_ADMIN" });
}

/**
 * crun refuses hybrid hosts; with the v2 half out of sight the host is a plain v1 one. A filesystem of our own takes
 * its place, because crun goes on to make directories there, which would stay in the host's tmpfs.
 */
function hideHybridCgroups(sys: Sys): void {
  unmount(sys, hybridCgroups, MNT_DETACH);
  const flags = MS_NOSUID | MS_NODEV;
  mount(sys, { source: "tmpfs", target: hybridCgroups, type: "tmpfs", flags, data: "mode=755" });
}

function isCgroup2(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_SUPER_MAGIC;
  } catch {
    return false;
  }
}

interface MountCall {
  readonly source: string | null;
  readonly target: string;
  readonly type: string | null;
  readonly flags: number;
  readonly data: string | null;
}

function mount(sys: Sys, call: MountCall): void {
  const result = sys.mount(call.source, call.target, call.type, call.flags, call.data);
  if (result < 0)
    throw systemError(result, { verb: "mount", object: call.target, capability: "CAP_SYS_ADMIN" });
}

interface BindOptions {
  readonly target: string;
  readonly readOnly: boolean;
  readonly recursive: boolean;
}

function bind(sys: Sys, source: string, options: BindOptions): Mount {
  const { target, readOnly, recursive } = options;
  mount(sys, { source, target, type: null, flags: MS_BIND | (recursive ? MS_REC : 0), data: null });
  const held = mountAt(sys, target);
  if (!readOnly) return held;
  try {
    makeReadOnly(sys, target, recursive);
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
  return held;
}

function bindAt(
  sys: Sys,
  source: string,
  { placeFd, readOnly }: { readonly placeFd: number; readonly readOnly: boolean },
): void {
  const attempt = { verb: "mount", object: source, capability: "CAP_SYS_ADMIN" } as const;
  const tree = sys.openTree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (tree < 0) throw systemError(tree, attempt);
  try {
    const attributes = Buffer.alloc(32);
    attributes.writeBigUInt64LE(readOnly ? MOUNT_ATTR_RDONLY : 0n, 0);
    const flags = AT_EMPTY_PATH | AT_RECURSIVE;
    const set = readOnly ? sys.mountSetattr(tree, "", flags, attributes, attributes.length) : 0;
    if (set < 0) throw systemError(set, { ...attempt, verb: "make read-only" });
    const moved = sys.moveMount(tree, "", placeFd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    if (moved < 0) throw systemError(moved, attempt);
  } finally {
    closeSync(tree);
  }
}

function makeReadOnly(sys: Sys, target: string, recursive: boolean): void {
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(MOUNT_ATTR_RDONLY, 0);
  const flags = recursive ? AT_RECURSIVE : 0;
  const result = sys.mountSetattr(AT_FDCWD, target, flags, attributes, attributes.length);
  if (result >= 0) return;
  // Before Linux 5.12 a tree cannot be made read-only at once: claiming it would be a hole.
  if (result !== ENOSYS || recursive)
    throw systemError(result, { verb: "make read-only", object: target, capability: "CAP_SYS_ADMIN" });
  mount(sys, { source: null, target, type: null, flags: MS_BIND | MS_REMOUNT | MS_RDONLY, data: null });
}

function mountMapped(
  sys: Sys,
  source: string,
  { target, fd }: { readonly target: string; readonly fd: number },
): void {
  const attempt = { verb: "map the owners of", object: source, capability: "CAP_SYS_ADMIN" } as const;
  const tree = sys.openTree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0) throw systemError(tree, attempt);
  try {
    const attributes = Buffer.alloc(32);
    attributes.writeBigUInt64LE(MOUNT_ATTR_IDMAP, 0);
    attributes.writeBigUInt64LE(BigInt(fd), 24);
    const set = sys.mountSetattr(tree, "", AT_EMPTY_PATH, attributes, attributes.length);
    if (set === EINVAL || set === ENOSYS)
      throw new LighterError(
        "KERNEL_UNSUPPORTED",
        `cannot map the owners of "${source}": its filesystem or this kernel has no idmapped mounts; put the store on ext4, xfs or btrfs`,
      );
    if (set < 0) throw systemError(set, attempt);
    attachTree(sys, tree, target);
  } finally {
    closeSync(tree);
  }
}

function attachTree(sys: Sys, tree: number, target: string): void {
  const moved = sys.moveMount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
  if (moved < 0) throw systemError(moved, { verb: "mount", object: target, capability: "CAP_SYS_ADMIN" });
}

function mountAt(sys: Sys, target: string): Mount {
  let isMounted = true;
  return {
    target,
    [Symbol.dispose]() {
      if (isMounted) unmount(sys, target, 0);
      isMounted = false;
    },
  };
}

function unmount(sys: Sys, target: string, flags: number): void {
  let result = sys.umount2(target, flags | UMOUNT_NOFOLLOW);
  if (result === EBUSY) result = sys.umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW);
  // EINVAL and ENOENT: it is gone already, which is what was asked.
  if (result < 0 && result !== EINVAL && result !== ENOENT)
    throw systemError(result, { verb: "unmount", object: target, capability: "CAP_SYS_ADMIN" });
}
