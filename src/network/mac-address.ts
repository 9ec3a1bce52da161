import { randomBytes } from "node:crypto";

/** Locally administered, unicast, and random as docker's since 28. */
export function randomMac(): string {
  return ["02", ...[...randomBytes(5)].map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}
