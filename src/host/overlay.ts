import { closeSync, constants, openSync, readSync } from "node:fs";
import { LighterError } from "#base";
import type { OverlayMount } from "./host.ts";
import { AT_FDCWD, type Sys } from "./sys.ts";
import { fileError, systemError } from "./system-error.ts";

const FSOPEN_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 1;
const MOUNT_ATTR_RDONLY = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MS_RDONLY = 1;
const ENOSYS = -38;
const EINVAL = -22;
const O_PATH = 0o10000000;
// fsconfig(2) takes strings of at most 255 bytes; mount(2) one page for all options together.
const longestValueBytes = 255;
const longestOptionsBytes = 4095;

// What a host's module parameters may have switched on would put facts into the upper directory that no layer can carry.
const fixedSettings = [
  ["index", "off"],
  ["metacopy", "off"],
  ["redirect_dir", "off"],
] as const;
const fixedOptions = fixedSettings.map(([key, value]) => `${key}=${value}`);

/** Mounts an overlay with at least one lower directory and, without an upper one, at least two. */
export function mountOverlay(sys: Sys, options: OverlayMount): void {
  const opened: number[] = [];
  try {
    if (!mountByDescriptor(sys, options, opened)) mountByOptions(sys, options, opened);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** The way of Linux 6.7 and later, with one `lowerdir+` a layer. @returns false where the kernel does not know it */
function mountByDescriptor(sys: Sys, options: OverlayMount, opened: number[]): boolean {
  const fs = sys.fsopen("overlay", FSOPEN_CLOEXEC);
  if (fs === ENOSYS) return false;
  if (fs < 0) throw failure(fs, options, undefined);
  opened.push(fs);
  const set = (key: string, value: string): number => sys.fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
  for (const [place, path] of options.lower.entries()) {
    const result = set("lowerdir+", short(path, opened));
    if (result === EINVAL && place === 0) return false;
    if (result < 0) throw failure(result, options, readLog(fs));
  }
  for (const [key, value] of settings(options, opened)) {
    const result = set(key, value);
    if (result < 0) throw failure(result, options, readLog(fs));
  }
  // Where it is not taken the mount is merely slower to end.
  if (options.isVolatile === true) sys.fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", null, 0);
  const created = sys.fsconfig(fs, FSCONFIG_CMD_CREATE, null, null, 0);
  if (created < 0) throw failure(created, options, readLog(fs));
  attach(sys, fs, options);
  return true;
}

function settings(options: OverlayMount, opened: number[]): readonly (readonly [string, string])[] {
  const upper: (readonly [string, string])[] =
    options.upper === undefined || options.work === undefined
      ? []
      : [
          ["upperdir", short(options.upper, opened)],
          ["workdir", short(options.work, opened)],
        ];
  // What df and mount tables show as the device.
  return [["source", "overlay"], ...upper, ...fixedSettings];
}

function attach(sys: Sys, fs: number, options: OverlayMount): void {
  const attributes = options.upper === undefined ? MOUNT_ATTR_RDONLY : 0;
  const mount = sys.fsmount(fs, FSMOUNT_CLOEXEC, attributes);
  if (mount < 0) throw failure(mount, options, readLog(fs));
  try {
    const moved = sys.moveMount(mount, "", AT_FDCWD, options.target, MOVE_MOUNT_F_EMPTY_PATH);
    if (moved < 0) throw failure(moved, options, undefined);
  } finally {
    closeSync(mount);
  }
}

function mountByOptions(sys: Sys, options: OverlayMount, opened: number[]): void {
  const upper =
    options.upper === undefined
      ? []
      : [`upperdir=${escaped(options.upper)}`, `workdir=${escaped(options.work ?? "")}`];
  const plain = [`lowerdir=${options.lower.map(escaped).join(":")}`, ...upper, ...fixedOptions].join(",");
  const shortened = (): string =>
    [
      `lowerdir=${options.lower.map((path) => descriptorPath(path, opened)).join(":")}`,
      ...upper,
      ...fixedOptions,
    ].join(",");
  const data = Buffer.byteLength(plain) <= longestOptionsBytes ? plain : shortened();
  if (Buffer.byteLength(data) > longestOptionsBytes)
    throw new LighterError(
      "KERNEL_UNSUPPORTED",
      `cannot mount "${options.target}": ${options.lower.length} layers are more than this kernel joins; use Linux 6.7 or later`,
    );
  const result = sys.mount(
    "overlay",
    options.target,
    "overlay",
    options.upper === undefined ? MS_RDONLY : 0,
    data,
  );
  if (result < 0) throw failure(result, options, undefined);
}

function escaped(path: string): string {
  return path.replace(/[\\:,]/g, "\\$&");
}

function short(path: string, opened: number[]): string {
  return Buffer.byteLength(path) > longestValueBytes ? descriptorPath(path, opened) : path;
}

function descriptorPath(path: string, opened: number[]): string {
  try {
    const fd = openSync(path, O_PATH | constants.O_DIRECTORY);
    opened.push(fd);
    return `/proc/self/fd/${fd}`;
  } catch (error) {
    throw fileError(error, { verb: "open the layer", object: path });
  }
}

/** What the filesystem itself says about a failure (`e overlay: …`), a line per message. */
function readLog(fs: number): string | undefined {
  const buffer = Buffer.alloc(1024);
  try {
    const size = readSync(fs, buffer, 0, buffer.length, null);
    return buffer.toString("utf8", 2, size).trim();
  } catch {
    return undefined; // no message (ENODATA): the errno has to do
  }
}

function failure(result: number, options: OverlayMount, log: string | undefined): LighterError {
  const attempt = { verb: "mount", object: options.target, capability: "CAP_SYS_ADMIN" } as const;
  return systemError(result, log === undefined ? attempt : { ...attempt, help: log });
}
