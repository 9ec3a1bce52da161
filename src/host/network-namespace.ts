import { closeSync, openSync } from "node:fs";
import type { NetworkNamespace } from "./host.ts";
import type { Sys } from "./sys.ts";
import { systemError } from "./system-error.ts";

const CLONE_NEWNET = 0x40000000;

/**
 * Runs `action` with this thread inside a network namespace (undefined: where it is), and comes back. The action must
 * be synchronous: between two turns of the event loop the thread is always at home, so that no other code of the
 * process ever acts in a container's namespace.
 */
export function inNetwork<T>(sys: Sys, namespace: NetworkNamespace | undefined, action: () => T): T {
  if (namespace === undefined) return action();
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    enter(sys, namespace.fd, namespace.path);
    try {
      return action();
    } finally {
      enter(sys, home, "the host's network namespace");
    }
  } finally {
    closeSync(home);
  }
}

function enter(sys: Sys, fd: number, object: string): void {
  const result = sys.setns(fd, CLONE_NEWNET);
  if (result < 0) throw systemError(result, { verb: "enter", object, capability: "CAP_SYS_ADMIN" });
}
