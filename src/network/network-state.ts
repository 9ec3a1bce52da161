import type { DnsSettings, PortMapping } from "#runtime";
import type { Network } from "./network-record.ts";

/** What stands in the kernel for the networks of one store: all that the firewall table is rendered from. */
export interface NetworkState {
  readonly version: 2;
  /** Everything here describes kernel objects, which end with the boot. */
  readonly bootId: string;
  readonly networks: readonly RaisedNetwork[];
  readonly sandboxes: readonly Sandbox[];
  readonly endpoints: readonly Endpoint[];
  /** Kernel settings that were changed, with their former values; they stay changed, as docker leaves them. */
  readonly changedSettings: Readonly<Record<string, string>>;
}

/** A network that has endpoints. It exists in the kernel exactly that long. */
export interface RaisedNetwork extends Network {
  /** The bridge, or the parent of macvlan and ipvlan links. */
  readonly link: string;
  /** Whether the link was made for the network and goes with it. */
  readonly ownsLink: boolean;
  /** The bridge's own, by which it is known should this process die before the bridge has its alias. */
  readonly mac?: string;
  readonly mtu: number;
  /** The addresses given last; allocation goes on after them. */
  readonly lastAddress?: string;
  readonly lastAddress6?: string;
}

/** A container's network namespace. Alive as long as the lock `live/<id>` is held. */
export interface Sandbox {
  readonly id: string;
  readonly containerId: string;
  readonly containerName?: string;
  readonly hostname: string;
  /** How its owner held it; the path may be stale, the number is not. */
  readonly namespace: { readonly path: string; readonly inode: number };
  readonly ports: readonly PublishedPort[];
  /** Only where a resolver answers. */
  readonly resolver?: ResolverSockets;
  /** In place of it where none does yet: a network that has names may be joined later. */
  readonly idleResolver?: ResolverSockets;
  readonly dns?: DnsSettings;
  readonly egress?: readonly string[];
}

/** Sockets in the container's namespace, made by its owner, where the resolver takes them over. */
export interface ResolverSockets {
  readonly pid: number;
  readonly udp: HeldSocket;
  readonly tcp: HeldSocket;
}

/** A descriptor of the owner, and what it is wherever it was handed on to. */
export interface HeldSocket {
  readonly fd: number;
  readonly inode: number;
  readonly port: number;
}

/** A container's place in a network. */
export interface Endpoint {
  readonly id: string;
  readonly sandbox: string;
  /** The network's name. */
  readonly network: string;
  /** The host's end of the pair; undefined for macvlan and ipvlan. */
  readonly link?: string;
  /** The interface inside the container. */
  readonly inner: string;
  readonly address?: string;
  readonly address6?: string;
  readonly mac: string;
  readonly aliases: readonly string[];
  /** `CONTAINER:ALIAS`. */
  readonly links: readonly string[];
  /** @defaultValue 0 */
  readonly gatewayPriority?: number;
}

/** A mapping whose host port is settled. */
export interface PublishedPort extends PortMapping {
  readonly hostPort: number;
}

export function emptyState(bootId: string): NetworkState {
  return { version: 2, bootId, networks: [], sandboxes: [], endpoints: [], changedSettings: {} };
}

export function endpointsOf(state: NetworkState, sandbox: Pick<Sandbox, "id">): readonly Endpoint[] {
  return state.endpoints.filter((endpoint) => endpoint.sandbox === sandbox.id);
}

export function raisedNetwork(state: NetworkState, name: string): RaisedNetwork | undefined {
  return state.networks.find((network) => network.name === name);
}

/**
 * The endpoint by which a container reaches the world: of the networks that lead there the one with the highest priority, and
 * among equals the first by name, as docker has it.
 */
export function gatewayEndpoint(
  state: NetworkState,
  sandbox: Pick<Sandbox, "id">,
  version: 4 | 6,
): Endpoint | undefined {
  const ways = endpointsOf(state, sandbox).filter((endpoint) => {
    const network = raisedNetwork(state, endpoint.network);
    const address = version === 4 ? endpoint.address : endpoint.address6;
    return network !== undefined && !network.internal && address !== undefined;
  });
  return ways.toSorted(
    (a, b) => (b.gatewayPriority ?? 0) - (a.gatewayPriority ?? 0) || (a.network < b.network ? -1 : 1),
  )[0];
}

/** The names under which neighbours on the same network find the container, the first being its own. */
export function dnsNamesOf(sandbox: Sandbox, endpoint: Endpoint): readonly string[] {
  const shortId = sandbox.containerId.slice(0, 12);
  return [
    ...new Set([sandbox.containerName ?? shortId, ...endpoint.aliases, shortId, sandbox.hostname]),
  ].filter((name) => name !== "");
}

export function labelOf(sandbox: Sandbox): string {
  return sandbox.containerName ?? sandbox.containerId.slice(0, 12);
}
