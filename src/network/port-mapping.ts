import { isIP } from "node:net";
import { LighterError } from "#base";
import type { PortMapping } from "#runtime";
import { canonicalAddress } from "./ipam.ts";

/** @throws PORT_INVALID when the mapping asks for something that cannot be */
export function checkPortMapping({ hostAddress, hostPort, hostPortLast, containerPort }: PortMapping): void {
  const wrong = [hostPort ?? 1, hostPortLast ?? 1, containerPort].find(
    (port) => !Number.isInteger(port) || port < 1 || port > 65_535,
  );
  if (wrong !== undefined)
    throw new LighterError("PORT_INVALID", `cannot publish port "${wrong}": want a number from 1 to 65535`);
  if (hostAddress === undefined || (isIP(hostAddress) !== 0 && !isLoopback6(hostAddress))) return;
  const state =
    isIP(hostAddress) === 6
      ? "the kernel does not route IPv6's loopback address; use 127.0.0.1"
      : "it is no IP address";
  throw new LighterError("PORT_INVALID", `cannot publish a port on "${hostAddress}": ${state}`);
}

function isLoopback6(address: string): boolean {
  return isIP(address) === 6 && canonicalAddress(address) === "::1";
}
