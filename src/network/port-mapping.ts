import { isIP } from "node:net";
import { LighterError } from "#base";
import type { PortMapping } from "#runtime";

/** @throws PORT_INVALID when the mapping asks for something that cannot be */
export function checkPortMapping({ hostAddress, hostPort, containerPort }: PortMapping): void {
  const wrong = [hostPort ?? 1, containerPort].find(
    (port) => !Number.isInteger(port) || port < 1 || port > 65_535,
  );
  if (wrong !== undefined)
    throw new LighterError("PORT_INVALID", `cannot publish port "${wrong}": want a number from 1 to 65535`);
  if (hostAddress === undefined || isIP(hostAddress) === 4) return;
  const state =
    isIP(hostAddress) === 6 ? "publishing on IPv6 addresses is not supported yet" : "it is no IP address";
  throw new LighterError("PORT_INVALID", `cannot publish a port on "${hostAddress}": ${state}`);
}
