import { randomHex } from "#host";

/** Locally administered, unicast, and random as docker's since 28. */
export function randomMac(): string {
  return `02${randomHex(5)}`.replace(/..(?!$)/g, "$&:");
}
