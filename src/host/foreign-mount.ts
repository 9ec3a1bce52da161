import { closeSync, openSync } from "node:fs";
import { AT_FDCWD, type Sys } from "./sys.ts";
import { fileError, systemError } from "./system-error.ts";

const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x00020000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const ENOENT = -2;

/**
 * A copy of what a process has mounted at a path, as a descriptor that the caller closes: the kernel copies a mount only for
 * who is in its namespace. Links in the path lead nowhere but into the tree of that process.
 */
export function openForeignTree(sys: Sys, pid: number, path: string): number | undefined {
  const [away, home] = [open(`/proc/${pid}/ns/mnt`), open("/proc/thread-self/ns/mnt")];
  const folder = process.cwd();
  try {
    // Threads that began after this one left the host's mounts share its root, which the kernel will not change for them.
    sys.unshare(CLONE_FS);
    enter(sys, away);
    const tree = returning(sys, { home, folder }, () =>
      sys.openTree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
    );
    if (tree === ENOENT) return undefined;
    if (tree < 0) throw systemError(tree, { verb: "share", object: path, capability: "CAP_SYS_ADMIN" });
    return tree;
  } finally {
    closeSync(away);
    closeSync(home);
  }
}

function returning<T>(
  sys: Sys,
  { home, folder }: { readonly home: number; readonly folder: string },
  task: () => T,
): T {
  try {
    return task();
  } finally {
    enter(sys, home);
    process.chdir(folder);
  }
}

function enter(sys: Sys, namespace: number): void {
  const result = sys.setns(namespace, CLONE_NEWNS);
  if (result < 0)
    throw systemError(result, { verb: "enter", object: "a mount namespace", capability: "CAP_SYS_ADMIN" });
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw fileError(error, { verb: "open", object: path });
  }
}
