import type { Sys } from "./sys.ts";
import { systemError } from "./system-error.ts";

const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

/**
 * Runs a synchronous function while this thread makes files as another user (and group of the same number) with all of its
 * own rights, and becomes itself again, whatever happens.
 */
export function actingAs<T>(sys: Sys, user: number, task: () => T): T {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
  const own = Buffer.alloc(24);
  check(sys.capget(header, own));
  sys.setfsgid(user);
  sys.setfsuid(user);
  try {
    // Leaving user 0 takes the rights over files away.
    check(sys.capset(header, own));
    return task();
  } finally {
    sys.setfsuid(0);
    sys.setfsgid(0);
    check(sys.capset(header, own));
  }
}

function check(result: number): void {
  if (result < 0) throw systemError(result, { verb: "act as", object: "another user" });
}
