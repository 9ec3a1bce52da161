import { isIP } from "node:net";
import { LighterError } from "#base";
import type { PortMapping } from "#runtime";

/**
 * Reads docker's `-p`: `[address:][hostPort]:containerPort[/protocol]` or `containerPort[/protocol]`. Ranges come later.
 * @throws PORT_INVALID
 */
export function parsePortMapping(text: string): PortMapping {
  const match =
    /^(?:(?:(?<address>[0-9.]+|\[[^\]]*\]):)?(?<host>\d*):)?(?<container>\d+)(?:\/(?<protocol>\w+))?$/.exec(
      text,
    );
  if (match?.groups === undefined) throw invalid(text, "want [address:][host port]:container port[/tcp|udp]");
  const { address, host, container = "", protocol = "tcp" } = match.groups;
  const mapping = {
    containerPort: portNumber(text, container),
    protocol: protocolOf(text, protocol),
    ...(host === undefined || Number(host) === 0 ? {} : { hostPort: portNumber(text, host) }),
    ...(address === undefined ? {} : { hostAddress: address }),
  };
  checkPortMapping(mapping);
  return mapping;
}

/** @throws PORT_INVALID when the mapping asks for something that cannot be */
export function checkPortMapping(mapping: PortMapping): void {
  const { hostAddress } = mapping;
  if (hostAddress === undefined || isIP(hostAddress) === 4) return;
  const state = hostAddress.includes(":")
    ? "publishing on IPv6 addresses is not supported yet"
    : "it is no IP address";
  throw new LighterError("PORT_INVALID", `cannot publish a port on "${hostAddress}": ${state}`);
}

function portNumber(text: string, digits: string): number {
  const port = Number(digits);
  if (port >= 1 && port <= 65_535) return port;
  throw invalid(text, "a port is a number from 1 to 65535");
}

function protocolOf(text: string, protocol: string): "tcp" | "udp" {
  const lower = protocol.toLowerCase();
  if (lower === "tcp" || lower === "udp") return lower;
  throw invalid(text, "the protocol is tcp or udp");
}

function invalid(text: string, help: string): LighterError {
  return new LighterError("PORT_INVALID", `cannot publish port "${text}": ${help}`, { details: { text } });
}
