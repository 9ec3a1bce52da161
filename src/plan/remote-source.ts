import { isDigest } from "#oci";
import { fault } from "./fault.ts";
import { findGitReference, type GitReference } from "./git-reference.ts";
import type { GitOp, HttpOp } from "./graph.ts";

/** Whether ADD takes `source` from a git repository. */
export function isGitSource(source: string): boolean {
  try {
    return findGitReference(source) !== undefined;
  } catch {
    return false;
  }
}

/** Whether ADD takes `source` from the web as one file. */
export function isHttpSource(source: string): boolean {
  return /^https?:\/\//.test(source) && !isGitSource(source);
}

/** The file that a URL stands for; its name is the last part of the path. */
export function httpOp(url: string, checksum: string | undefined): HttpOp {
  if (checksum !== undefined && !isDigest(checksum)) throw fault(digestProblem(checksum));
  return Object.freeze({
    kind: "http",
    url,
    filename: httpFilename(url),
    ...(checksum !== undefined && { checksum }),
  });
}

/** The last part of the path as the server reads it: what an escaped slash separates are parts, too. */
function httpFilename(url: string): string {
  const path = /^https?:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? "";
  const name = unescaped(path).replace(/\/+$/, "").split("/").at(-1) ?? "";
  return ["", ".", ".."].includes(name) || name.includes("\0") ? "__unnamed__" : name;
}

function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return "";
  }
}

function digestProblem(checksum: string): string {
  const [algorithm = "", hex] = checksum.split(":", 2);
  if (hex === undefined || hex === "") return "invalid checksum digest format";
  if (algorithm !== "sha256") return "unsupported digest algorithm";
  return hex.length === 64 ? "invalid checksum digest format" : "invalid checksum digest length";
}

/** A checkout as ADD and build contexts want it. */
export function gitOp(
  reference: GitReference,
  overrides: { readonly keepGitDir?: boolean; readonly checksum?: string } = {},
): GitOp {
  const { ref, subdir, mtime } = reference;
  const checksum = overrides.checksum ?? reference.checksum;
  return Object.freeze({
    kind: "git",
    remote: reference.remote,
    ...(ref !== undefined && { ref }),
    ...(subdir !== undefined && { subdir }),
    ...(checksum !== undefined && { checksum }),
    keepGitDir: overrides.keepGitDir ?? reference.keepGitDir ?? false,
    submodules: reference.submodules ?? true,
    mtime: mtime ?? "checkout",
    fetchByCommit: reference.fetchByCommit,
  });
}
