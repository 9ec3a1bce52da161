import type { ContainerRecord } from "#container";
import type { NetworkView } from "#network";

/**
 * A network as `docker network inspect` shows it, plus `Egress` where it has a policy.
 * @param sharers containers on it that have no endpoint: those of `host` and `none`
 * @see https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Network/operation/NetworkInspect
 */
export function networkObject(
  network: NetworkView,
  sharers: readonly ContainerRecord[] = [],
): Readonly<Record<string, unknown>> {
  const isBare = network.name === "host" || network.name === "none";
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: "local",
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: hasIPv6(network),
    IPAM: {
      Driver: "default",
      Options: isBare || network.name === "bridge" ? null : {},
      Config: isBare ? null : network.subnets.map(subnetObject),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: network.configFrom ?? "" },
    ConfigOnly: network.configOnly !== undefined,
    Containers: Object.fromEntries([
      ...sharers.map(({ id, name }) => [
        id,
        { Name: name, EndpointID: "", MacAddress: "", IPv4Address: "", IPv6Address: "" },
      ]),
      ...network.members.map(({ containerId, name, facts }) => [
        containerId,
        {
          Name: name,
          EndpointID: facts.endpointId,
          MacAddress: facts.mac,
          IPv4Address: facts.address === undefined ? "" : `${facts.address}/${facts.prefix}`,
          IPv6Address: facts.address6 === undefined ? "" : `${facts.address6}/${facts.prefix6}`,
        },
      ]),
    ]),
    Options: network.name === "bridge" ? bridgeOptionsOf(network) : sorted(network.options),
    Labels: sorted(network.labels),
    ...(network.egress !== undefined && { Egress: network.egress }),
  };
}

/** What holds for the default bridge, in docker's words. */
function bridgeOptionsOf({ link }: NetworkView): Readonly<Record<string, string>> {
  return {
    "com.docker.network.bridge.default_bridge": "true",
    "com.docker.network.bridge.enable_icc": "true",
    "com.docker.network.bridge.enable_ip_masquerade": "true",
    "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
    ...(link !== undefined && { "com.docker.network.bridge.name": link }),
  };
}

/** By name, as docker prints a map. */
function sorted(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function subnetObject({ subnet, ipRange, gateway, auxAddresses }: NetworkView["subnets"][number]) {
  return {
    Subnet: subnet,
    ...(ipRange !== undefined && { IPRange: ipRange }),
    Gateway: gateway,
    ...(auxAddresses !== undefined && { AuxiliaryAddresses: auxAddresses }),
  };
}

/** A line of `network ls`, by docker's names. */
export function networkRow(network: NetworkView, isFull: boolean) {
  return {
    CreatedAt: goTime(network.created),
    Driver: network.driver,
    ID: isFull ? network.id : network.id.slice(0, 12),
    IPv4: "true",
    IPv6: String(hasIPv6(network)),
    Internal: String(network.internal),
    Labels: Object.entries(sorted(network.labels))
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
    Name: network.name,
    Scope: "local",
    Label: (name: unknown): string => network.labels[String(name)] ?? "",
  };
}

/** As Go prints a time: `2026-11-20 10:00:00.25 +0000 UTC`. */
function goTime(iso: string): string {
  const [date = "", time = ""] = iso.replace(/Z$/, "").split("T");
  const [seconds = "", fraction = ""] = time.split(".");
  const kept = fraction.replace(/0+$/, "");
  return `${date} ${seconds}${kept === "" ? "" : `.${kept}`} +0000 UTC`;
}

function hasIPv6({ subnets, configOnly }: NetworkView): boolean {
  return configOnly?.ipv6 === true || subnets.some(({ subnet }) => subnet.includes(":"));
}
