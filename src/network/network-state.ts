import type { PortMapping } from "#runtime";

/** What the networks of one store look like: all that the firewall table is rendered from. */
export interface NetworkState {
  readonly version: 1;
  /** Everything here describes kernel objects, which end with the boot. */
  readonly bootId: string;
  readonly networks: readonly BridgeNetwork[];
  readonly endpoints: readonly Endpoint[];
  /** Kernel settings that were changed, with their former values; they stay changed, as docker leaves them. */
  readonly changedSettings: Readonly<Record<string, string>>;
}

/** A network with a bridge of its own. It exists in the kernel exactly as long as it has endpoints. */
export interface BridgeNetwork {
  readonly name: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly gateway: string;
  readonly mtu: number;
  /** The address given last; allocation goes on after it. */
  readonly lastAddress?: string;
}

/** A container's place in a network. Alive as long as the lock `live/<id>` is held. */
export interface Endpoint {
  readonly id: string;
  readonly network: string;
  readonly containerId: string;
  readonly containerName?: string;
  /** The host's end of the pair. */
  readonly link: string;
  readonly address: string;
  readonly mac: string;
  readonly ports: readonly PublishedPort[];
}

/** A mapping whose host port is settled. */
export interface PublishedPort extends PortMapping {
  readonly hostPort: number;
}

export function emptyState(bootId: string): NetworkState {
  return { version: 1, bootId, networks: [], endpoints: [], changedSettings: {} };
}
