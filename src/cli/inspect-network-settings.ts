import type { ContainerRecord } from "#container";
import { portBindings } from "./inspect-host-config.ts";

type Json = Readonly<Record<string, unknown>>;
type Endpoint = NonNullable<ContainerRecord["network"]["endpoints"]>[number];

/** `NetworkSettings` of `docker inspect`. The addresses at the top are those on the default bridge, as docker's. */
export function networkSettings(record: ContainerRecord, networkId: string): Json {
  const { network, state, exposedPorts } = record;
  const isUp = state.status === "running" || state.status === "paused";
  const published = isUp ? (network.published ?? []) : [];
  const bound = portBindings(published.map((port) => ({ hostAddress: "0.0.0.0", ...port })));
  const endpoints = isUp ? (network.endpoints ?? []) : [];
  const bridge = addresses(endpoints.find((endpoint) => endpoint.network === "bridge"));
  return {
    Bridge: "",
    SandboxID: isUp ? record.id : "",
    SandboxKey: isUp ? `/proc/${state.pid}/ns/net` : "",
    Ports:
      endpoints.length > 0
        ? { ...Object.fromEntries(exposedPorts.map((port) => [port, null])), ...bound }
        : {},
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    ...bridge,
    Networks: networksOf(record, endpoints, networkId),
  };
}

function networksOf({ network }: ContainerRecord, endpoints: readonly Endpoint[], networkId: string): Json {
  if (network.name.startsWith("container:")) return {};
  const asked = network.networking?.endpoint;
  const first = endpoints.find((endpoint) => endpoint.network === network.name) ?? endpoints[0];
  const others = network.networking?.otherNetworks ?? [];
  const wanted = [network.name, ...others.map((other) => other.network)];
  const names = endpoints.length === 0 ? wanted : endpoints.map((endpoint) => endpoint.network);
  return Object.fromEntries(
    names.map((name) => {
      const endpoint = endpoints.find((one) => one.network === name);
      const isFirst = name === (first?.network ?? network.name);
      const wish = isFirst ? asked : others.find((other) => other.network === name);
      const id = endpoint?.networkId ?? (isFirst ? networkId : "");
      return [name, { ...networkObject(name, wish, endpoint), NetworkID: id }];
    }),
  );
}

function networkObject(name: string, wish: Wish, endpoint: Endpoint | undefined): Json {
  return {
    IPAMConfig: ipamOf(wish),
    Links: listOrNull(wish?.links),
    Aliases: listOrNull(endpoint?.aliases ?? wish?.aliases),
    DriverOpts: wish?.driverOptions ?? null,
    GwPriority: wish?.gatewayPriority ?? 0,
    ...addresses(endpoint),
    // The default bridge has no names.
    DNSNames: name === "bridge" ? null : listOrNull(endpoint?.dnsNames),
  };
}

type Wish = NonNullable<ContainerRecord["network"]["networking"]>["endpoint"];

function ipamOf(wish: Wish): Json | null {
  const { address, address6, linkLocalAddresses = [] } = wish ?? {};
  if (address === undefined && address6 === undefined && linkLocalAddresses.length === 0) return null;
  return {
    ...(address !== undefined && { IPv4Address: address }),
    ...(address6 !== undefined && { IPv6Address: address6 }),
    ...(linkLocalAddresses.length > 0 && { LinkLocalIPs: linkLocalAddresses }),
  };
}

function addresses(endpoint: Endpoint | undefined): Json {
  return {
    EndpointID: endpoint?.endpointId ?? "",
    Gateway: endpoint?.gateway ?? "",
    GlobalIPv6Address: endpoint?.address6 ?? "",
    GlobalIPv6PrefixLen: endpoint?.prefix6 ?? 0,
    IPAddress: endpoint?.address ?? "",
    IPPrefixLen: endpoint?.prefix ?? 0,
    IPv6Gateway: endpoint?.gateway6 ?? "",
    MacAddress: endpoint?.mac ?? "",
  };
}

function listOrNull(list: readonly string[] | undefined): readonly string[] | null {
  return list === undefined || list.length === 0 ? null : list;
}
