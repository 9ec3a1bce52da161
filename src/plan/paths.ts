import { posix } from "node:path";

/** What WORKDIR makes of a path: an absolute one stays as written, a relative one is joined to the directory so far. */
export function joinWorkdir(current: string, path: string): string {
  if (posix.isAbsolute(path)) return path;
  return withoutSlash(posix.join("/", current, path));
}

/** A destination of COPY or ADD, absolute and clean; it ends with a slash when it was written as a directory. */
export function resolveDestination(workdir: string, destination: string): string {
  const isDirectory = destination === "" || destination === "." || /\/\.?$/.test(destination);
  const path = posix.isAbsolute(destination)
    ? rootedPath(destination)
    : rootedPath(`${workdir}/${destination}`);
  return isDirectory && path !== "/" ? `${path}/` : path;
}

/** A path as an absolute, clean one in its tree: `..` never leaves the root. */
export function rootedPath(path: string): string {
  return withoutSlash(posix.join("/", path));
}

/** Go's path.Clean: POSIX normalization with no slash at the end. */
export function cleanPath(path: string): string {
  return withoutSlash(posix.normalize(path));
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
