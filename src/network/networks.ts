import type { EndpointFacts, EndpointRequest, NetworkProvider } from "#runtime";
import type { GraphView } from "./graph/network-graph.ts";
import type { Network } from "./network-record.ts";
import type { CreateNetworkRequest } from "./network-request.ts";
import type { RefusedFlow } from "./refused-flows.ts";
import type { RefusedName } from "./resolver/refused-names.ts";
import type { VerifyOptions, VerifyReport } from "./verify/verify-networks.ts";

/** The networks of one store: what the containers and builds use, and what `lighter network` does. */
export interface Networks extends NetworkProvider {
  /** @throws NETWORK_INVALID, NETWORK_EXISTS, NETWORK_OVERLAP, NETWORK_PREDEFINED, NETWORK_EXHAUSTED, KERNEL_UNSUPPORTED */
  create(request: CreateNetworkRequest): Promise<Network>;
  /** The three predefined ones, then the user's, oldest first. Subnets of the default bridge are those it has or would get. */
  list(): readonly NetworkView[];
  /** By name, id, or the beginning of an id. @throws NETWORK_NOT_FOUND */
  get(text: string): NetworkView;
  /** @throws NETWORK_NOT_FOUND, NETWORK_IN_USE, NETWORK_PREDEFINED */
  remove(text: string): Promise<Network>;
  /** Removes the user networks without containers; with a filter only those it accepts. */
  prune(accepts?: (network: NetworkView) => boolean): Promise<readonly Network[]>;
  /** Joins a running container to one more network. @throws NETWORK_NOT_FOUND, CONTAINER_NOT_FOUND, ENDPOINT_EXISTS */
  connect(request: ConnectRequest): Promise<EndpointFacts>;
  /** @throws NETWORK_NOT_FOUND, CONTAINER_NOT_FOUND, ENDPOINT_NOT_FOUND */
  disconnect(request: { readonly network: string; readonly container: string }): Promise<void>;
  /** Gives a running container another name, by which its neighbours find it at once; nothing for one that is not known here. */
  rename(containerId: string, name: string): Promise<void>;
  /** The endpoints that a running container has now; none for one that is not known here. */
  endpoints(container: string): readonly EndpointFacts[];
  /** What /etc/resolv.conf of a running container is to say now; undefined for one that is not known here. */
  resolvConf(container: string): string | undefined;
  /** The table as the kernel has it, with a comment for every rule; empty while no bridge network has a container. */
  firewall(): string;
  /** Who is on what. */
  graph(): GraphView;
  /** Who reaches whom: by the rules, and by real packets. */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /** What egress policies refused. */
  refused(): readonly RefusedFlow[];
  /** What names egress policies did not let resolve, oldest first. */
  refusedNames(): readonly RefusedName[];
}

export interface ConnectRequest extends EndpointRequest {
  readonly network: string;
  /** Name or id of a running container. */
  readonly container: string;
}

/** A network and who is on it. */
export interface NetworkView extends Network {
  /** The bridge or parent, while the network stands. */
  readonly link?: string;
  readonly members: readonly NetworkMember[];
}

export interface NetworkMember {
  readonly containerId: string;
  readonly name: string;
  readonly facts: EndpointFacts;
}
