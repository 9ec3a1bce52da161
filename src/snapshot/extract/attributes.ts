import { chmodSync, fchmodSync, fchownSync, fstatSync, futimesSync, lchownSync, lutimesSync } from "node:fs";
import type { TarEntry } from "#archive";
import { errnoOf, type Files } from "#host";
import { isOverlayXattr } from "../overlay-form.ts";
import { hostile, invalid, parentOf, pathOf, textPathOf } from "./names.ts";
import type { Owner } from "./options.ts";
import { setTime } from "./set-time.ts";

/** Labels that the host's security modules give to files: they mean nothing on another host. */
const hostXattrs: ReadonlySet<string> = new Set(["security.selinux", "security.ima", "security.evm"]);

interface Parts {
  readonly files: Files;
  readonly root: string;
  readonly ownerOf: (entry: Owner) => Owner;
}

/**
 * Gives entries their owner, attributes, mode and time, in this order: changing the owner clears set-id bits and
 * capabilities. Calls that would change nothing are spared, since most files of most archives need none.
 */
export class Attributes {
  readonly warnings: string[] = [];
  readonly #parts: Parts;
  readonly #umask = process.umask();
  readonly #uid = process.geteuid?.() ?? 0;
  /** What new files are born with, by directory. */
  readonly #births = new Map<string, Birth>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** For a file that was opened with {@link birthMode}. */
  setOnFile(entry: TarEntry, file: { readonly fd: number; readonly name: string }): void {
    const { uid, gid } = this.#parts.ownerOf(entry);
    const birth = this.#birthIn(parentOf(file.name), file.fd);
    if (uid !== this.#uid || gid !== birth.gid) fchownSync(file.fd, uid, gid);
    this.#setXattrs(entry, file.name);
    const isExact = (entry.mode & (this.#umask | 0o7000)) === 0 && birthMode(entry) === entry.mode;
    if (!isExact || birth.hasDefaultAcl) fchmodSync(file.fd, entry.mode);
    if (isWholeSecond(entry)) futimesSync(file.fd, entry.mtimeSeconds, entry.mtimeSeconds);
    else this.#setTime(entry, file.name);
  }

  /** Set-group-id directories, some mounts and default ACLs hand things down; one look at each directory tells. */
  #birthIn(directory: string, fd: number): Birth {
    const known = this.#births.get(directory);
    if (known !== undefined) return known;
    const path = pathOf(this.#parts.root, directory);
    const hasDefaultAcl =
      typeof path !== "string" || this.#parts.files.getXattr(path, "system.posix_acl_default") !== undefined;
    const birth = { gid: fstatSync(fd).gid, hasDefaultAcl };
    this.#births.set(directory, birth);
    return birth;
  }

  /** Directories were replaced: what was known of them holds no more. */
  forget(): void {
    this.#births.clear();
  }

  /** @returns what is to be set when everything in the directory is written */
  setOnDirectory(entry: TarEntry, name: string): { readonly mtimeNs: bigint; readonly mode?: number } {
    this.#births.delete(name);
    const path = pathOf(this.#parts.root, name);
    const { uid, gid } = this.#parts.ownerOf(entry);
    lchownSync(path, uid, gid);
    this.#setXattrs(entry, name);
    const isWritable = (entry.mode & 0o700) === 0o700;
    chmodSync(path, isWritable ? entry.mode : entry.mode | 0o700);
    return { mtimeNs: timeNs(entry), ...(!isWritable && { mode: entry.mode }) };
  }

  setOnNode(entry: TarEntry, name: string): void {
    const { uid, gid } = this.#parts.ownerOf(entry);
    const path = pathOf(this.#parts.root, name);
    lchownSync(path, uid, gid);
    this.#setXattrs(entry, name);
    chmodSync(path, entry.mode);
    this.#setTime(entry, name);
  }

  setOnLink(entry: TarEntry, name: string): void {
    const path = pathOf(this.#parts.root, name);
    const { uid, gid } = this.#parts.ownerOf(entry);
    lchownSync(path, uid, gid);
    this.#setXattrs(entry, name);
    if (isWholeSecond(entry)) lutimesSync(path, entry.mtimeSeconds, entry.mtimeSeconds);
    else this.#setTime(entry, name);
  }

  #setTime(entry: TarEntry, name: string): void {
    setTime(this.#parts.files, this.#parts.root, name, timeNs(entry));
  }

  #setXattrs(entry: TarEntry, name: string): void {
    for (const [xattr, value] of entry.xattrs) {
      if (isOverlayXattr(xattr)) throw hostile(entry.path, `it carries overlay's own attribute ${xattr}`);
      if (!hostXattrs.has(xattr)) this.#setXattr(name, xattr, value);
    }
  }

  #setXattr(name: string, xattr: string, value: Uint8Array): void {
    try {
      this.#parts.files.setXattr(textPathOf(this.#parts.root, name), xattr, value);
    } catch (error) {
      const errno = errnoOf(error) ?? "";
      if (["EINVAL", "ERANGE", "E2BIG"].includes(errno))
        throw invalid(name, `the kernel does not take its attribute ${xattr}`);
      // Links and devices carry no attributes of users.
      const isUsers = errno === "EPERM" && xattr.startsWith("user.");
      if (!isUsers && errno !== "ENOTSUP" && errno !== "EOPNOTSUPP") throw error;
      this.warnings.push(`"${name}": the filesystem cannot hold the attribute ${xattr}`);
    }
  }
}

interface Birth {
  readonly gid: number;
  readonly hasDefaultAcl: boolean;
}

/** The mode to make a file with: its own, so that most need no second call. Attributes are set by who may write it. */
export function birthMode(entry: TarEntry): number {
  return entry.xattrs.size > 0 ? 0o600 : entry.mode & 0o777;
}

/** Node writes such times exactly; negative ones and fractions go another way. */
function isWholeSecond(entry: TarEntry): boolean {
  return entry.mtimeNanoseconds === 0 && entry.mtimeSeconds >= 0;
}

function timeNs(entry: TarEntry): bigint {
  return BigInt(entry.mtimeSeconds) * 1_000_000_000n + BigInt(entry.mtimeNanoseconds);
}
