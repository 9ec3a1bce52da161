import type { Stats } from "node:fs";
import type { Files } from "#host";

/**
 * How overlay keeps in a directory what a layer removes: a whiteout is a character device 0:0, an opaque directory hides
 * all that lower layers hold in it. @see https://docs.kernel.org/filesystems/overlayfs.html#whiteouts-and-opaque-directories
 */
export const opaqueXattr = "trusted.overlay.opaque";

/** Attributes in which overlay keeps its own state: they never enter or leave a layer. */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.");
}

export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

export function makeWhiteout(files: Files, path: string): void {
  files.makeNode(path, 0o020000, { major: 0, minor: 0 });
}

export function isOpaque(files: Files, path: string): boolean {
  const value = files.getXattr(path, opaqueXattr);
  return value !== undefined && value.length === 1 && value[0] === 0x79;
}

export function makeOpaque(files: Files, path: string): void {
  files.setXattr(path, opaqueXattr, Buffer.from("y"));
}
