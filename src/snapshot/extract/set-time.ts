import { lutimesSync } from "node:fs";
import type { Files } from "#host";
import { pathOf } from "./names.ts";

/** Sets a time exactly; to the millisecond where the name is no UTF-8, which only Node's own calls take. */
export function setTime(files: Files, root: string, name: string, mtimeNs: bigint): void {
  const path = pathOf(root, name);
  if (typeof path === "string") {
    files.setTime(path, mtimeNs);
    return;
  }
  // As a Date: Node takes a negative number for the present.
  const time = new Date(Number(mtimeNs / 1_000_000n));
  lutimesSync(path, time, time);
}
