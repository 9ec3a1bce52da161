import { randomBytes } from "node:crypto";

/** A result needs a name that no other has: a step that runs again makes another one. */
export function newName(): string {
  return `build-${randomBytes(12).toString("hex")}`;
}
