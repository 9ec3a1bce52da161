import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "#host";
import { digestOf, encoded } from "#oci";
import type { Records } from "./records.ts";

/** Waits until no other process or task does this work, and holds it until disposed. */
export async function singleFlight(
  parts: { readonly host: Pick<Host, "locks">; readonly records: Records },
  work: string,
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  const path = join(parts.records.locks, encoded(digestOf(work)).slice(0, 32));
  const lock = await parts.host.locks.acquire(path, "exclusive", signal);
  return {
    async [Symbol.asyncDispose]() {
      // Removed while it is held: whoever waits sees that the file went and makes a new one.
      rmSync(path, { force: true });
      lock[Symbol.dispose]();
    },
  };
}
