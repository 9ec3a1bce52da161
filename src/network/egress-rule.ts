import { isIP } from "node:net";
import { LighterError } from "#base";
import { canonicalSubnet } from "./ipam.ts";

/** One thing that a container with an egress policy may reach; without `port` at every port. */
export type EgressRule =
  | { readonly kind: "subnet"; readonly host: string; readonly version: 4 | 6; readonly port?: number }
  | { readonly kind: "name"; readonly host: string; readonly port?: number };

const pattern =
  /^(?:\[(?<bracketed>[^\]]+)\]|(?<host>[^:[\]]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:./]*))(?::(?<port>\d+))?$/;
const namePattern = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * `HOST[:PORT]`: a name (`*.example.com` for all below it), an address or a subnet; IPv6 with a port in brackets.
 * @throws NETWORK_INVALID
 */
export function parseEgress(text: string): EgressRule {
  const groups = pattern.exec(text)?.groups;
  const host = (groups?.["bracketed"] ?? groups?.["host"] ?? "").toLowerCase().replace(/\.$/, "");
  const port = groups?.["port"] === undefined ? undefined : Number(groups["port"]);
  if (port !== undefined && (port < 1 || port > 65_535)) throw invalid(text);
  const rest = port === undefined ? {} : { port };
  const version = isIP(host.split("/")[0] ?? "");
  if (version === 4 || version === 6)
    return { kind: "subnet", host: subnetText(host, version, text), version, ...rest };
  if (!namePattern.test(host)) throw invalid(text);
  return { kind: "name", host, ...rest };
}

function subnetText(host: string, version: 4 | 6, text: string): string {
  try {
    return canonicalSubnet(host.includes("/") ? host : `${host}/${version === 4 ? 32 : 128}`);
  } catch {
    throw invalid(text);
  }
}

function invalid(text: string): LighterError {
  return new LighterError(
    "NETWORK_INVALID",
    `cannot allow "${text}": want HOST[:PORT], where HOST is a name, an address or a subnet`,
  );
}
