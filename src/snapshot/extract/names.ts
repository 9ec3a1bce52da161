import { encodeName, hasEscapes } from "#archive";
import { LighterError } from "#base";

/**
 * The name of an entry below the root, with neither `.` nor empty parts: `./a//b/` is `a/b`, the root itself is empty. A
 * leading slash is dropped, as every tar program does.
 * @throws ARCHIVE_HOSTILE when the name leads out of the root
 */
export function cleanName(name: string): string {
  if (isClean(name)) return name;
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw hostile(name, "its name leads out of the root");
  }
  return parts.join("/");
}

function isClean(name: string): boolean {
  return !/(?:^|\/)(?:\.{0,2})(?:\/|$)/.test(name);
}

/** The part before the last slash; empty at the root. */
export function parentOf(name: string): string {
  const slash = name.lastIndexOf("/");
  return slash < 0 ? "" : name.slice(0, slash);
}

export function baseOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

export function joinName(parent: string, name: string): string {
  return parent === "" ? name : `${parent}/${name}`;
}

/** What file calls take: text, or bytes when the name is no UTF-8. */
export function pathOf(root: string, name: string): string | Buffer {
  const path = name === "" ? root : `${root}/${name}`;
  return hasEscapes(path) ? encodeName(path) : path;
}

/** The same for calls that take text only (attributes, devices, exact times). @throws ARCHIVE_INVALID */
export function textPathOf(root: string, name: string): string {
  const path = pathOf(root, name);
  if (typeof path === "string") return path;
  throw new LighterError(
    "ARCHIVE_INVALID",
    `cannot extract "${name}": its name is no UTF-8, and it is a device or has attributes`,
  );
}

export function hostile(name: string, why: string): LighterError {
  return new LighterError("ARCHIVE_HOSTILE", `cannot extract "${name}": ${why}; do not trust this archive`, {
    details: { entry: name },
  });
}

export function invalid(name: string, why: string): LighterError {
  return new LighterError("ARCHIVE_INVALID", `cannot extract "${name}": ${why}`, {
    details: { entry: name },
  });
}
