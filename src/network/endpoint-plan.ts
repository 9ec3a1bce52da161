import { isIP } from "node:net";
import { LighterError } from "#base";
import { randomHex } from "#host";
import type { EndpointRequest } from "#runtime";
import { readEndpointOptions } from "./endpoint-options.ts";
import { canonicalAddress, containsAddress, isUsable, nextAddress } from "./ipam.ts";
import { randomMac } from "./mac-address.ts";
import { defaultNetwork, type Network, type Subnet, subnetOf } from "./network-record.ts";
import type { Endpoint, NetworkState, RaisedNetwork } from "./network-state.ts";

/** What a container asks of one network that was found. */
export interface Joining {
  readonly network: Network;
  readonly request: EndpointRequest;
}

/** @throws NETWORK_INVALID for what docker refuses before anything is made */
export function checkEndpointRequest({ network, request }: Joining): void {
  const fail = (state: string): never => {
    throw new LighterError("NETWORK_INVALID", `cannot join network "${network.name}": ${state}`, {
      details: { network: network.name },
    });
  };
  const isUserNetwork =
    network.name !== defaultNetwork && network.driver !== "host" && network.driver !== "null";
  const wanted = [request.address, request.address6].filter((address) => address !== undefined);
  if (wanted.length > 0 && !isUserNetwork)
    fail("user specified IP address is supported on user defined networks only");
  if ((request.aliases ?? []).length > 0 && !isUserNetwork)
    fail("network-scoped aliases are only supported for user-defined networks");
  if (wanted.length > 0 && !network.isSubnetChosen)
    fail(
      "user specified IP address is supported only when connecting to networks with user configured subnets",
    );
  for (const [address, version] of [
    [request.address, 4],
    [request.address6, 6],
  ] as const) {
    if (address === undefined) continue;
    if (isIP(address) !== version) fail(`invalid IPv${version} address ${address}`);
    const subnet = subnetOf(network, version)?.subnet;
    if (subnet === undefined || !containsAddress(subnet, address))
      fail(`no configured subnet contains IP address ${address}`);
    else if (!isUsable(subnet, address)) fail(`${address} is no address of a host in ${subnet}`);
  }
  if (request.mac !== undefined && !isUnicastMac(request.mac)) fail(`invalid MAC address ${request.mac}`);
  for (const address of request.linkLocalAddresses ?? [])
    if (!isLinkLocal(address)) fail(`invalid link-local IP address ${address}`);
  readEndpointOptions(network.name, request);
}

function isLinkLocal(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && containsAddress(version === 4 ? "169.254.0.0/16" : "fe80::/10", address);
}

/** Two digits each, and not a group's address. */
function isUnicastMac(mac: string): boolean {
  return /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(mac) && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0;
}

/** An endpoint with addresses that nobody else has. @throws NETWORK_EXHAUSTED, NETWORK_INVALID */
export function planEndpoint(
  state: NetworkState,
  network: RaisedNetwork,
  wish: { readonly sandbox: string; readonly inner: string; readonly request: EndpointRequest },
): Endpoint {
  const id = randomHex(32);
  const { request } = wish;
  if (isTakenWhole(state, network))
    throw new LighterError(
      "NETWORK_EXHAUSTED",
      `cannot join network "${network.name}": mode passthru gives its parent "${network.link}" to one container, which another has`,
      { details: { network: network.name } },
    );
  const address = addressFor(state, network, {
    version: 4,
    wanted: request.address,
    last: network.lastAddress,
  });
  const address6 = addressFor(state, network, {
    version: 6,
    wanted: request.address6,
    last: network.lastAddress6,
  });
  const mac = request.mac?.toLowerCase().replaceAll("-", ":") ?? randomMac();
  const twin = state.endpoints.find((one) => one.network === network.name && one.mac === mac);
  if (twin !== undefined) throw taken(network, `MAC address ${mac}`);
  return {
    id,
    sandbox: wish.sandbox,
    network: network.name,
    ...(network.driver === "bridge" ? { link: `lv${id.slice(0, 10)}` } : {}),
    inner: wish.inner,
    ...(address === undefined ? {} : { address }),
    ...(address6 === undefined ? {} : { address6 }),
    mac,
    aliases: request.aliases ?? [],
    links: request.links ?? [],
    ...(request.gatewayPriority === undefined ? {} : { gatewayPriority: request.gatewayPriority }),
  };
}

function isTakenWhole({ endpoints }: NetworkState, { name, driver, options }: RaisedNetwork): boolean {
  const isWhole = driver === "macvlan" && options["macvlan_mode"] === "passthru";
  return isWhole && endpoints.some(({ network }) => network === name);
}

function addressFor(
  state: NetworkState,
  network: RaisedNetwork,
  wish: { readonly version: 4 | 6; readonly wanted: string | undefined; readonly last: string | undefined },
): string | undefined {
  const subnet = subnetOf(network, wish.version);
  if (subnet === undefined) return undefined;
  const taken_ = takenAddresses(state, network, subnet);
  if (wish.wanted === undefined)
    return nextAddress({ subnet: subnet.subnet, range: subnet.ipRange, taken: taken_, last: wish.last });
  const wanted = canonicalAddress(wish.wanted);
  if (taken_.has(wanted)) throw taken(network, `address ${wanted}`);
  return wanted;
}

function takenAddresses(state: NetworkState, network: RaisedNetwork, subnet: Subnet): ReadonlySet<string> {
  const given = state.endpoints
    .filter((endpoint) => endpoint.network === network.name)
    .flatMap(({ address, address6 }) => [address ?? [], address6 ?? []].flat());
  return new Set([subnet.gateway, ...Object.values(subnet.auxAddresses ?? {}), ...given]);
}

function taken({ name }: RaisedNetwork, what: string): LighterError {
  return new LighterError(
    "ENDPOINT_EXISTS",
    `cannot join network "${name}": ${what} is in use already; choose another`,
    { details: { network: name } },
  );
}

/** `eth0`, `eth1`: the first that the container does not have. */
export function chooseInner(used: readonly Endpoint[], { network, request }: Joining): string {
  const { interface: wanted } = readEndpointOptions(network.name, request);
  if (wanted !== undefined && used.some(({ inner }) => inner === wanted))
    throw new LighterError(
      "NETWORK_INVALID",
      `cannot join network "${network.name}": the container has an interface "${wanted}" already`,
      { details: { network: network.name } },
    );
  if (wanted !== undefined) return wanted;
  let number = 0;
  while (used.some(({ inner }) => inner === `eth${number}`)) number += 1;
  return `eth${number}`;
}
