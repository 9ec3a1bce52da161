import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lchownSync,
  lstatSync,
  openSync,
  readlinkSync,
  symlinkSync,
} from "node:fs";
import type { Files } from "#host";
import { copyXattrs } from "./directories.ts";
import { pathOf, textPathOf } from "./names.ts";

/** Copies a file, link or device from a lower layer, with everything it has, as overlay does before a first write. */
export function copyUpFile(
  files: Files,
  what: { readonly from: string; readonly to: string; readonly name: string },
): void {
  const from = pathOf(what.from, what.name);
  const to = pathOf(what.to, what.name);
  const stats = lstatSync(from, { bigint: true });
  const owner = { uid: Number(stats.uid), gid: Number(stats.gid) };
  if (stats.isFile())
    copyFile(files, { from, to, mode: Number(stats.mode) & 0o7777, sizeBytes: Number(stats.size), ...owner });
  else {
    if (stats.isSymbolicLink()) symlinkSync(readlinkSync(from, "buffer"), to);
    else files.makeNode(textPathOf(what.to, what.name), Number(stats.mode), deviceOf(stats.rdev));
    lchownSync(to, owner.uid, owner.gid);
  }
  copyXattrs(files, textPathOf(what.from, what.name), textPathOf(what.to, what.name));
  files.setTime(textPathOf(what.to, what.name), stats.mtimeNs);
}

function copyFile(
  files: Files,
  copy: {
    readonly from: string | Buffer;
    readonly to: string | Buffer;
    readonly mode: number;
    readonly sizeBytes: number;
    readonly uid: number;
    readonly gid: number;
  },
): void {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
  const source = openSync(copy.from, O_RDONLY | O_NOFOLLOW);
  const target = openSync(copy.to, O_WRONLY | O_CREAT | O_EXCL, 0o600);
  try {
    files.copyContents(source, target, copy.sizeBytes);
    fchownSync(target, copy.uid, copy.gid);
    fchmodSync(target, copy.mode);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

function deviceOf(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & ~0xffn)),
  };
}
