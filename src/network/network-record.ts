/** A network as its creator described it: what `inspect` shows and what outlives a reboot. */
export interface Network {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly driver: DriverName;
  /** RFC 3339. */
  readonly created: string;
  /** At most one of each version; empty for `host` and `none`. */
  readonly subnets: readonly Subnet[];
  /** The user chose the subnets: only then may a container choose its address, as docker has it. */
  readonly isSubnetChosen: boolean;
  /** No way out and no way in. */
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** `-o`. */
  readonly options: Readonly<Record<string, string>>;
  /** Its containers may reach only these. */
  readonly egress?: readonly string[];
  /** Only a description for others to be made from: nothing joins it. */
  readonly configOnly?: { readonly ipv6: boolean };
  /** The name of the network whose description it has. */
  readonly configFrom?: string;
}

export type DriverName = "bridge" | "host" | "null" | "macvlan" | "ipvlan";

export interface Subnet {
  /** In canonical form: `172.18.0.0/16`. */
  readonly subnet: string;
  readonly gateway: string;
  /** Addresses are given from here. */
  readonly ipRange?: string;
  /** Addresses that are never given, by name. */
  readonly auxAddresses?: Readonly<Record<string, string>>;
}

export const bridgeOptions = {
  name: "com.docker.network.bridge.name",
  icc: "com.docker.network.bridge.enable_icc",
  masquerade: "com.docker.network.bridge.enable_ip_masquerade",
  hostBinding: "com.docker.network.bridge.host_binding_ipv4",
  isDefault: "com.docker.network.bridge.default_bridge",
  mtu: "com.docker.network.driver.mtu",
} as const;

/** The name of docker's default network, which is there from the start. */
export const defaultNetwork = "bridge";

export function subnetOf(network: Pick<Network, "subnets">, version: 4 | 6): Subnet | undefined {
  return network.subnets.find(({ subnet }) => subnet.includes(":") === (version === 6));
}

/** Whether containers of the network may speak to one another. */
export function isSociable({ options }: Pick<Network, "options">): boolean {
  return options[bridgeOptions.icc] !== "false";
}

/** Whether containers leave under the host's address. */
export function isMasqueraded({ options }: Pick<Network, "options">): boolean {
  return options[bridgeOptions.masquerade] !== "false";
}

/** User networks have a resolver for the names of their containers; the default bridge has none, as in docker. */
export function hasNames({ name }: Pick<Network, "name">): boolean {
  return name !== defaultNetwork;
}
