import { createHash, randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { Cleanup } from "#base";
import type { Host, Lock, NetworkNamespace } from "#host";
import type { Attachment, AttachRequest } from "#runtime";
import { BridgeKernel } from "./bridge-kernel.ts";
import type { NetworkDriver } from "./driver.ts";
import { renderHosts } from "./hosts-file.ts";
import { nextAddress } from "./ipam.ts";
import type { LedgerPage, NetworkLedger } from "./ledger.ts";
import { randomMac } from "./mac-address.ts";
import type { BridgeNetwork, Endpoint, NetworkState, PublishedPort } from "./network-state.ts";
import { describeHolder } from "./port-holder.ts";
import { checkPortMapping } from "./port-mapping.ts";
import { type PortReservation, reservePorts } from "./port-reservation.ts";
import { containerResolvConf } from "./resolv-conf.ts";

interface BridgeDriverOptions {
  readonly root: string;
  readonly host: Pick<Host, "links" | "firewall" | "namespaces" | "locks">;
  readonly ledger: NetworkLedger;
}

/** The default network `bridge`: private addresses behind the host's, ports published by the kernel. */
export function createBridgeDriver(
  options: BridgeDriverOptions,
): NetworkDriver & { readonly sweep: () => Promise<void> } {
  const { host, ledger } = options;
  const kernel = new BridgeKernel({ host, owner: () => ownerOf(options.root) });
  return {
    attach: (request) => attach({ host, ledger, kernel }, request),
    sweep: async () => {
      const { networks, endpoints } = ledger.read();
      if (networks.length + endpoints.length === 0) return;
      await ledger.update(async (page) => {
        const dead = page.state.endpoints.filter((endpoint) => !ledger.isAlive(endpoint));
        if (dead.length === 0 && !hasIdleNetwork(page.state)) return;
        await kernel.removeLinks(dead.map(({ link }) => link));
        await release({ ledger, kernel }, page, dead);
      });
    },
  };
}

interface Parts {
  readonly host: BridgeDriverOptions["host"];
  readonly ledger: NetworkLedger;
  readonly kernel: BridgeKernel;
}

async function attach(parts: Parts, request: AttachRequest): Promise<Attachment> {
  const { host, ledger } = parts;
  await using undo = new Cleanup();
  for (const mapping of request.ports ?? []) checkPortMapping(mapping);
  const reservation = undo.use(
    await reservePorts(request.ports ?? [], (mapping) => describeHolder(mapping, ledger.read())),
  );
  const namespace = undo.use(host.namespaces.createNetwork());
  const id = randomBytes(5).toString("hex");
  const { endpoint, network, claim } = await ledger.update(async (page) => {
    const claim = ledger.claim(id);
    undo.defer(() => {
      ledger.forget(id);
      claim[Symbol.dispose]();
    });
    const joined = await join(parts, page, { id, request, namespace, ports: reservation.ports });
    return { ...joined, claim };
  });
  undo.defer(() => leave(parts, endpoint));
  return attachmentOf({ request, network, endpoint, namespace, claim, reservation, undo: undo.move() });
}

interface Joining {
  readonly id: string;
  readonly request: AttachRequest;
  readonly namespace: NetworkNamespace;
  readonly ports: readonly PublishedPort[];
}

/** State first, kernel after: whatever a crash leaves in the kernel, the state explains it to the next sweep. */
async function join(
  parts: Parts,
  page: LedgerPage,
  joining: Joining,
): Promise<{ endpoint: Endpoint; network: BridgeNetwork }> {
  const { ledger, kernel } = parts;
  const dead = page.state.endpoints.filter((endpoint) => !ledger.isAlive(endpoint));
  await kernel.removeLinks(dead.map(({ link }) => link));
  using choice = await kernel.chooseNetwork(page.state);
  const others = page.state.endpoints.filter((endpoint) => !dead.includes(endpoint));
  const endpoint = newEndpoint(joining, choice.network, others);
  const network = { ...choice.network, lastAddress: endpoint.address };
  page.save({ ...page.state, networks: [network], endpoints: [...others, endpoint] });
  for (const { id } of dead) ledger.forget(id);
  try {
    const isNew = kernel.raise(network, page);
    kernel.connect(network, endpoint, joining.namespace);
    if (!isNew) kernel.publish(page.state, endpoint, { renew: dead.some(({ ports }) => ports.length > 0) });
    kernel.forgetFlows(joining.ports);
  } catch (error) {
    // The first failure is the one to tell; what this cannot undo, the next sweep does.
    await kernel
      .removeLinks([endpoint.link])
      .then(() => release(parts, page, [endpoint]))
      .catch(() => {});
    throw error;
  }
  return { endpoint, network };
}

function newEndpoint(joining: Joining, network: BridgeNetwork, others: readonly Endpoint[]): Endpoint {
  const { id, request, ports } = joining;
  const taken = new Set([network.gateway, ...others.map(({ address }) => address)]);
  return {
    id,
    network: network.name,
    containerId: request.containerId,
    ...(request.containerName === undefined ? {} : { containerName: request.containerName }),
    link: `lv${id}`,
    address: nextAddress(network.subnet, taken, network.lastAddress),
    mac: randomMac(),
    ports,
  };
}

async function leave({ ledger, kernel }: Parts, endpoint: Endpoint): Promise<void> {
  // Beside the lock: removing a link makes the kernel wait, and others need not. Should this process die now, the link goes
  // with the namespace that only this process holds.
  const removed = kernel.removeLinks([endpoint.link]);
  await Promise.all([removed, ledger.update((page) => release({ ledger, kernel }, page, [endpoint]))]);
}

/** Kernel first, state after: until the state forgets it, a sweep can repeat it. The links of the endpoints are the caller's. */
async function release(
  { ledger, kernel }: Pick<Parts, "ledger" | "kernel">,
  page: LedgerPage,
  gone: readonly Endpoint[],
): Promise<void> {
  const endpoints = page.state.endpoints.filter(({ id }) => !gone.some((endpoint) => endpoint.id === id));
  const networks = page.state.networks.filter(({ name }) =>
    endpoints.some(({ network }) => network === name),
  );
  const idle = page.state.networks.filter((network) => !networks.includes(network));
  const next: NetworkState = { ...page.state, endpoints, networks };
  if (idle.length > 0 || gone.some(({ ports }) => ports.length > 0)) kernel.applyFirewall(next);
  kernel.forgetFlows(gone.flatMap(({ ports }) => ports));
  await kernel.removeLinks(idle.map(({ bridge }) => bridge));
  page.save(next);
  for (const { id } of gone) ledger.forget(id);
}

function attachmentOf(made: {
  readonly request: AttachRequest;
  readonly network: BridgeNetwork;
  readonly endpoint: Endpoint;
  readonly namespace: NetworkNamespace;
  readonly claim: Lock;
  readonly reservation: PortReservation;
  readonly undo: Cleanup;
}): Attachment {
  const { request, network, endpoint, namespace, claim, reservation } = made;
  const { tcp, udp } = reservation.descriptors;
  let leaving: Promise<void> | undefined;
  return {
    namespacePath: made.namespace.path,
    hosts: renderHosts({
      extraHosts: request.extraHosts ?? [],
      gateway: network.gateway,
      own: { name: request.hostname, address: endpoint.address },
    }),
    resolvConf: containerResolvConf(),
    address: endpoint.address,
    gateway: network.gateway,
    mac: endpoint.mac,
    ports: endpoint.ports,
    held: { namespace: namespace.fd, listeners: tcp, others: [claim.fd, ...udp] },
    handOver: () => {
      leaving ??= Promise.resolve(reservation[Symbol.asyncDispose]());
      namespace[Symbol.dispose]();
      claim[Symbol.dispose]();
    },
    [Symbol.asyncDispose]: () => (leaving ??= made.undo[Symbol.asyncDispose]()),
  };
}

function hasIdleNetwork({ networks, endpoints }: NetworkState): boolean {
  return networks.some(({ name }) => !endpoints.some(({ network }) => network === name));
}

/** Marks kernel objects as this store's, so that several stores share a host. */
function ownerOf(root: string): { readonly table: string; readonly text: string } {
  const path = realpathSync(root);
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 8);
  return { table: `lighter_${hash}`, text: `lighter ${hash} ${path}` };
}
