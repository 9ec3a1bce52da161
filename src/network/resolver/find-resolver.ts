import { findOwnProgram } from "#host";

/** The path of the resolver's program. @throws RUNTIME_MISSING */
export function findResolver(): string {
  return findOwnProgram("resolver", "answer names on networks");
}
