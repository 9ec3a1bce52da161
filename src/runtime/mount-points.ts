import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { posix } from "node:path";
import { systemErrorCode } from "#base";
import type { Host } from "#host";
import type { SpecMount } from "./runtime-spec.ts";

/**
 * Makes the mount points that a root lacks, so that a build's layer does not get them: disposing removes those that
 * are still empty, and a directory that the step itself did not change keeps its time. BuildKit does this for
 * /etc/hosts, /etc/resolv.conf and the mounts of a RUN. Links are resolved inside the root.
 */
export function prepareMountPoints(
  host: Pick<Host, "files">,
  rootfs: string,
  mounts: readonly SpecMount[],
): Disposable {
  const made: string[] = [];
  for (const mount of mounts) makeParts(host, rootfs, mount, made);
  return {
    [Symbol.dispose]() {
      for (const path of made.splice(0).toReversed()) removePoint(host, rootfs, path);
    },
  };
}

function makeParts(host: Pick<Host, "files">, rootfs: string, mount: SpecMount, made: string[]): void {
  const parts = posix.normalize(mount.destination).split("/").filter(Boolean);
  for (const place of parts.keys()) {
    const path = `/${parts.slice(0, place + 1).join("/")}`;
    const isLast = place === parts.length - 1;
    inParent(host, rootfs, path, (directory, name) => {
      if (exists(host, rootfs, path)) return;
      const parentMtimeNs = statSync(directory, { bigint: true }).mtimeNs;
      if (!makeEntry(`${directory}/${name}`, isLast && isFileMount(mount))) return;
      host.files.setTime(`${directory}/.`, parentMtimeNs);
      made.push(path);
    });
  }
}

function isFileMount(mount: SpecMount): boolean {
  const isBind = mount.type === "bind" || mount.options?.some((option) => /^r?bind$/.test(option)) === true;
  return isBind && mount.source !== undefined && !statSync(mount.source).isDirectory();
}

/** @returns false when a dangling link stands there, which is the runtime's to judge */
function makeEntry(path: string, isFile: boolean): boolean {
  try {
    if (isFile) writeFileSync(path, "", { flag: "wx", mode: 0o755 });
    else mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  }
}

function removePoint(host: Pick<Host, "files">, rootfs: string, path: string): void {
  inParent(host, rootfs, path, (directory, name) => {
    const { mtimeNs } = statSync(directory, { bigint: true });
    if (removeIfEmpty(`${directory}/${name}`)) host.files.setTime(`${directory}/.`, mtimeNs);
  });
}

function removeIfEmpty(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  try {
    if (stat?.isDirectory() === true) rmdirSync(path);
    else if (stat?.isFile() === true && stat.size === 0) unlinkSync(path);
    else return false;
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOTEMPTY") return false;
    throw error;
  }
}

/** Calls with a path of the parent directory that no link can turn aside, while the call lasts. */
function inParent(
  host: Pick<Host, "files">,
  rootfs: string,
  path: string,
  act: (directory: string, name: string) => void,
): void {
  const fd = host.files.openInRoot(rootfs, posix.dirname(path));
  if (fd === undefined) return;
  try {
    if (fstatSync(fd).isDirectory()) act(`/proc/self/fd/${fd}`, posix.basename(path));
  } finally {
    closeSync(fd);
  }
}

function exists(host: Pick<Host, "files">, rootfs: string, path: string): boolean {
  const fd = host.files.openInRoot(rootfs, path);
  if (fd !== undefined) closeSync(fd);
  return fd !== undefined;
}
