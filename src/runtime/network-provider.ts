import type { NetworkNamespace } from "#host";

/**
 * The port by which builds and containers get a network. The network room implements it and the engine hands it in.
 */
export interface NetworkProvider {
  /**
   * Joins a new container to a network before it starts. Disposing the attachment leaves the network and frees the
   * address; when this process dies the kernel frees the links, and the next `sweep` frees the rest.
   * @throws NETWORK_NOT_FOUND, PORT_IN_USE, NETWORK_EXHAUSTED
   */
  attach(request: AttachRequest): Promise<Attachment>;
  /** Frees what dead processes held (addresses, published ports, links). */
  sweep(): Promise<void>;
}

export interface AttachRequest {
  readonly containerId: string;
  /** For the words of errors. @defaultValue the container's ID */
  readonly containerName?: string;
  readonly hostname: string;
  /** Of NIS; the name in /etc/hosts ends with it. */
  readonly domainname?: string;
  /**
   * `none`, `host`, `bridge` (`default` is the same), a network's name or id, or `container:NAME`, which needs
   * {@link AttachRequest.peer}.
   */
  readonly network: string;
  /** How the container stands in `network`. */
  readonly endpoint?: EndpointRequest;
  /** Networks that are joined as well, in this order (`eth1`, ...). */
  readonly otherNetworks?: readonly (EndpointRequest & { readonly network: string })[];
  /** `--dns`, `--dns-search`, `--dns-option`. */
  readonly dns?: DnsSettings;
  /** Only these may be reached: `HOST[:PORT]`, an address or a subnet. Undefined means everything. */
  readonly egress?: readonly string[];
  /** The running container whose network `container:NAME` shares. */
  readonly peer?: {
    readonly pid: number;
    readonly hosts: string;
    readonly resolvConf: string;
  };
  readonly ports?: readonly PortMapping[];
  /** Opens an empty namespace, loopback up, that is to be used instead of a new one. */
  readonly openNamespace?: () => NetworkNamespace;
  /** The address `host-gateway` stands for the host as the container sees it. */
  readonly extraHosts?: readonly { readonly name: string; readonly address: string }[];
}

/** What a container asks of its networks beside the first one's name and its ports. */
export type NetworkingRequest = Pick<AttachRequest, "endpoint" | "otherNetworks" | "dns" | "egress">;

/** What a container asks of one network. */
export interface EndpointRequest {
  /** A fixed address; only on a network whose subnet the user chose. */
  readonly address?: string;
  readonly address6?: string;
  readonly mac?: string;
  /** Further names of the container on this network. */
  readonly aliases?: readonly string[];
  /** `CONTAINER[:ALIAS]`: names of other containers that only this one knows. */
  readonly links?: readonly string[];
  /** Addresses that the interface has beside its own (`169.254.8.8`, `fe80::8`). */
  readonly linkLocalAddresses?: readonly string[];
  /** The network with the highest leads to the world; among equals the first by name. @defaultValue 0 */
  readonly gatewayPriority?: number;
  /** `com.docker.network.endpoint.ifname` and `.sysctls`. */
  readonly driverOptions?: Readonly<Record<string, string>>;
}

/** Undefined takes the host's. */
export interface DnsSettings {
  readonly servers?: readonly string[];
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/** One published port. `hostPort` undefined means: any free one. */
export interface PortMapping {
  readonly hostAddress?: string;
  readonly hostPort?: number;
  /** With it any free port from `hostPort` to this one. */
  readonly hostPortLast?: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

/** A container's place in one network, as `inspect` shows it. */
export interface EndpointFacts {
  readonly network: string;
  readonly networkId: string;
  /** Docker's word: `bridge`, `macvlan`. */
  readonly driver: string;
  readonly endpointId: string;
  /** The interface inside the container: `eth0`. */
  readonly link: string;
  readonly address?: string;
  readonly prefix?: number;
  readonly gateway?: string;
  readonly address6?: string;
  readonly prefix6?: number;
  readonly gateway6?: string;
  readonly mac: string;
  readonly aliases: readonly string[];
  /** All names that the network's resolver answers for it. */
  readonly dnsNames: readonly string[];
}

/** What keeps an attachment: open descriptors of this process, which another one may inherit. */
export interface HeldDescriptors {
  /** The network namespace; undefined is the host's. */
  readonly namespace: number | undefined;
  /** Sockets that listen only to reserve a published TCP port: whoever holds them refuses stray connections. */
  readonly listeners: readonly number[];
  /** Whatever else has to stay open: locks, sockets of UDP ports. */
  readonly others: readonly number[];
}

/** Disposing may be started early and awaited again later: each call waits for the one leaving. */
export interface Attachment extends AsyncDisposable {
  readonly held: HeldDescriptors;
  /**
   * Ends this process's part after another process has inherited {@link held}. Nothing is undone: the attachment ends when
   * that process has closed them, and the next `sweep` frees the rest. Disposing does nothing any more.
   */
  handOver(): void;
  /** Path of the network namespace to join; undefined means the host's own. */
  readonly namespacePath: string | undefined;
  /** Contents of /etc/hosts and /etc/resolv.conf for the container. */
  readonly hosts: string;
  readonly resolvConf: string;
  readonly address?: string;
  readonly gateway?: string;
  readonly mac?: string;
  /** The mappings with the host ports that were really taken. */
  readonly ports: readonly PortMapping[];
  /** One for each network that has endpoints; none for `host`, `none` and `container:NAME`. */
  readonly endpoints?: readonly EndpointFacts[];
}
