import { Cleanup, LighterError } from "#base";
import { type Lock, type NetworkNamespace, randomHex } from "#host";
import type { Attachment, AttachRequest, EndpointFacts, PortMapping } from "#runtime";
import { parseEgress } from "./egress-rule.ts";
import { checkEndpointRequest, type Joining } from "./endpoint-plan.ts";
import { getJoinable, predefinedNetworks } from "./find-network.ts";
import { hostBindingOf } from "./firewall-elements.ts";
import { ownHosts, renderHosts } from "./hosts-file.ts";
import { joinNetworks, type NetworkParts, releaseEndpoints, sweepDead } from "./join-networks.ts";
import { checkLinks, linkLines } from "./link-lines.ts";
import { prefixOf } from "./network-kernel.ts";
import { hasNames, type Network, subnetOf } from "./network-record.ts";
import {
  dnsNamesOf,
  endpointsOf,
  gatewayEndpoint,
  type NetworkState,
  raisedNetwork,
  type Sandbox,
} from "./network-state.ts";
import { describeHolder } from "./port-holder.ts";
import { checkPortMapping } from "./port-mapping.ts";
import { type PortReservation, type PublishRequest, reservePorts } from "./port-reservation.ts";
import { containerResolvConf, resolverResolvConf } from "./resolv-conf.ts";
import {
  type OpenResolverSockets,
  openResolverSockets,
  translateQuestions,
} from "./resolver/resolver-sockets.ts";

/** Gives a new container a namespace of its own with an endpoint of each network that it asks for. */
export async function attachSandbox(
  parts: NetworkParts & { readonly startResolver: () => void },
  request: AttachRequest,
): Promise<Attachment> {
  const { host, ledger } = parts;
  const joinings = findJoinings(parts, request);
  const wanted = publishRequests(parts, request, joinings);
  await using undo = new Cleanup();
  const reservation = undo.use(
    await reservePorts(wanted, {
      sockets: () => host.sockets,
      describeHolder: (mapping) => describeHolder(mapping, ledger.read()),
    }),
  );
  const namespace = undo.use(request.openNamespace?.() ?? host.namespaces.createNetwork());
  const id = randomHex(5);
  // On the default bridge they lie idle: a network that has names may be joined later.
  const sockets = undo.use(openResolverSockets(host, namespace));
  const isAnswered = needsResolver(request, joinings);
  if (isAnswered) translateQuestions(host, namespace, sockets.descriptors);
  const sandbox = sandboxOf({ id, request, namespace, reservation, sockets, isAnswered, host });
  const { state, claim } = await ledger.update(async (page) => {
    await sweepDead(parts, page);
    const claim = ledger.claim(id);
    undo.defer(() => {
      ledger.forget(id);
      claim[Symbol.dispose]();
    });
    // Once more, because a network may have been removed or made anew meanwhile.
    const settled = findJoinings(parts, request);
    checkLinks(page.state, settled);
    await joinNetworks(parts, page, { sandbox, namespace, joinings: settled });
    return { state: page.state, claim };
  });
  undo.defer(() => leave(parts, sandbox));
  if (isAnswered) parts.startResolver();
  return attachmentOf({ request, state, sandbox, namespace, claim, reservation, sockets, undo: undo.move() });
}

/** @throws NETWORK_NOT_FOUND, NETWORK_INVALID */
function findJoinings({ root, ledger }: NetworkParts, request: AttachRequest): readonly Joining[] {
  const networks = [...predefinedNetworks(root), ...ledger.records()];
  const first = { ...request.endpoint, network: request.network };
  const joinings = [first, ...(request.otherNetworks ?? [])].map(
    ({ network, ...endpoint }): Joining => ({ network: getJoinable(networks, network), request: endpoint }),
  );
  joinings.forEach(({ network }, at) => {
    if (joinings.length > 1 && (network.driver === "host" || network.driver === "null"))
      throw invalid(network, "it cannot be joined together with another network");
    if (joinings.some((other, to) => to < at && other.network.name === network.name))
      throw invalid(network, "it is named twice");
  });
  for (const joining of joinings) checkEndpointRequest(joining);
  for (const text of request.egress ?? []) parseEgress(text);
  return joinings;
}

/** What has to be bound: nothing where no network leads out; every IPv6 address too. */
function publishRequests(
  { onWarning }: NetworkParts,
  request: AttachRequest,
  joinings: readonly Joining[],
): readonly PublishRequest[] {
  const ports = request.ports ?? [];
  for (const mapping of ports) checkPortMapping(mapping);
  const way = joinings.map(({ network }) => network).find(({ internal }) => !internal);
  if (ports.length === 0) return [];
  if (way === undefined || way.driver !== "bridge") {
    onWarning(
      way === undefined
        ? "published ports are discarded when every network is internal"
        : `published ports are discarded on a network of driver ${way.driver}: the container is reached by its own address`,
    );
    return [];
  }
  const has6 = subnetOf(way, 6) !== undefined;
  const binding = hostBindingOf(way);
  return ports.map((mapping: PortMapping): PublishRequest => {
    const hostAddress = mapping.hostAddress ?? binding;
    if (hostAddress?.includes(":") === true && !has6)
      throw new LighterError(
        "PORT_INVALID",
        `cannot publish a port on "${hostAddress}": network "${way.name}" has no IPv6; create it with --ipv6`,
      );
    if (hostAddress !== undefined) return { ...mapping, hostAddress };
    // The monitor carries what comes by IPv6 to a container without it: TCP alone.
    return has6 || mapping.protocol === "tcp" ? { ...mapping, hostAddress: "0.0.0.0", dual: true } : mapping;
  });
}

/** An egress policy needs one that knows the policy, whatever the network. */
function needsResolver(request: AttachRequest, joinings: readonly Joining[]): boolean {
  return (
    request.egress !== undefined ||
    joinings.some(({ network }) => hasNames(network) || network.egress !== undefined)
  );
}

function sandboxOf(made: {
  readonly id: string;
  readonly request: AttachRequest;
  readonly namespace: NetworkNamespace;
  readonly reservation: PortReservation;
  readonly sockets: OpenResolverSockets;
  readonly isAnswered: boolean;
  readonly host: Pick<NetworkParts["host"], "namespaces">;
}): Sandbox {
  const { request, namespace, sockets } = made;
  return {
    id: made.id,
    containerId: request.containerId,
    ...(request.containerName === undefined ? {} : { containerName: request.containerName }),
    hostname: request.hostname,
    namespace: { path: namespace.path, inode: made.host.namespaces.networkInode(namespace) },
    ports: made.reservation.ports,
    [made.isAnswered ? "resolver" : "idleResolver"]: { pid: process.pid, ...sockets.descriptors },
    ...(request.dns === undefined ? {} : { dns: request.dns }),
    ...(request.egress === undefined ? {} : { egress: request.egress }),
  };
}

async function leave(parts: NetworkParts, sandbox: Sandbox): Promise<void> {
  const { kernel, ledger } = parts;
  if (parts.removesAside)
    return await ledger.update(async (page) => {
      const endpoints = endpointsOf(page.state, sandbox);
      await releaseEndpoints(parts, page, { endpoints, sandboxes: [sandbox], aside: true });
    });
  // Beside the lock: removing a link makes the kernel wait, and others need not. Should this process die now, the link goes
  // with the namespace that only this process holds.
  const known = endpointsOf(ledger.read(), sandbox);
  const removed = kernel.removeLinks(known.flatMap(({ link }) => link ?? []));
  const released = ledger.update(async (page) => {
    const endpoints = endpointsOf(page.state, sandbox);
    const late = endpoints.filter((one) => !known.some(({ id }) => id === one.id));
    await kernel.removeLinks(late.flatMap(({ link }) => link ?? []));
    await releaseEndpoints(parts, page, { endpoints, sandboxes: [sandbox], linksGone: true });
  });
  await Promise.all([removed, released]);
}

function attachmentOf(made: {
  readonly request: AttachRequest;
  readonly state: NetworkState;
  readonly sandbox: Sandbox;
  readonly namespace: NetworkNamespace;
  readonly claim: Lock;
  readonly reservation: PortReservation;
  readonly sockets: OpenResolverSockets;
  readonly undo: Cleanup;
}): Attachment {
  const { request, namespace, claim, reservation, sandbox, sockets } = made;
  const { tcp, udp } = reservation.descriptors;
  const endpoints = endpointFacts(made.state, sandbox);
  const [first] = endpoints;
  const way = gatewayEndpoint(made.state, sandbox, 4);
  const gateway = endpoints.find(({ endpointId }) => endpointId === way?.id)?.gateway ?? first?.gateway;
  let leaving: Promise<void> | undefined;
  return {
    namespacePath: namespace.path,
    hosts: renderHosts({
      extraHosts: [...(request.extraHosts ?? []), ...linkLines(made.state, sandbox)],
      ...(gateway === undefined ? {} : { gateway }),
      own: ownHosts(endpoints, request),
    }),
    resolvConf: resolvConfOf(sandbox),
    ...(first?.address === undefined ? {} : { address: first.address }),
    ...(first?.gateway === undefined ? {} : { gateway: first.gateway }),
    ...(first === undefined ? {} : { mac: first.mac }),
    ports: sandbox.ports,
    endpoints,
    held: {
      namespace: namespace.fd,
      listeners: tcp,
      others: [claim.fd, ...udp, sockets.descriptors.udp.fd, sockets.descriptors.tcp.fd],
    },
    handOver: () => {
      leaving ??= Promise.resolve(reservation[Symbol.asyncDispose]());
      namespace[Symbol.dispose]();
      claim[Symbol.dispose]();
      sockets[Symbol.dispose]();
    },
    [Symbol.asyncDispose]: () => (leaving ??= made.undo[Symbol.asyncDispose]()),
  };
}

/** /etc/resolv.conf of a container as it is to be now. */
export function resolvConfOf({ resolver, dns }: Sandbox): string {
  return resolver === undefined ? containerResolvConf(dns) : resolverResolvConf(dns);
}

/** What `inspect` shows of a container's endpoints. */
export function endpointFacts(state: NetworkState, sandbox: Sandbox): readonly EndpointFacts[] {
  return endpointsOf(state, sandbox).flatMap((endpoint): EndpointFacts[] => {
    const network = raisedNetwork(state, endpoint.network);
    if (network === undefined) return [];
    const [subnet, subnet6] = [subnetOf(network, 4), subnetOf(network, 6)];
    const hasGateway = !network.internal;
    return [
      {
        network: network.name,
        networkId: network.id,
        driver: network.driver,
        endpointId: endpoint.id,
        link: endpoint.inner,
        ...(endpoint.address === undefined || subnet === undefined
          ? {}
          : {
              address: endpoint.address,
              prefix: prefixOf(subnet.subnet),
              ...(hasGateway ? { gateway: subnet.gateway } : {}),
            }),
        ...(endpoint.address6 === undefined || subnet6 === undefined
          ? {}
          : {
              address6: endpoint.address6,
              prefix6: prefixOf(subnet6.subnet),
              ...(hasGateway ? { gateway6: subnet6.gateway } : {}),
            }),
        mac: endpoint.mac,
        aliases: endpoint.aliases,
        dnsNames: hasNames(network) ? dnsNamesOf(sandbox, endpoint) : [],
      },
    ];
  });
}

function invalid({ name }: Network, state: string): LighterError {
  return new LighterError("NETWORK_INVALID", `cannot join network "${name}": ${state}`, {
    details: { network: name },
  });
}
