import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "#base";

/** In the claim's directory; says to the owner that its container is being removed by another command. */
export function removalMark(claimDirectory: string): string {
  return join(claimDirectory, "removed");
}

/** Nothing to say when the owner is done already. */
export function markRemoval(claimDirectory: string): void {
  try {
    writeFileSync(removalMark(claimDirectory), "");
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}
