import { existsSync, readdirSync, statSync } from "node:fs";
import { LighterError } from "#base";
import type { NetworkNamespace } from "#host";
import type { EndpointFacts } from "#runtime";
import { getJoinable, predefinedNetworks } from "./find-network.ts";
import { joinNetworks, type NetworkParts, releaseEndpoints, sweepDead } from "./join-networks.ts";
import type { LedgerPage } from "./ledger.ts";
import { findSandbox } from "./link-lines.ts";
import { hasNames, type Network } from "./network-record.ts";
import {
  endpointsOf,
  gatewayEndpoint,
  labelOf,
  type NetworkState,
  raisedNetwork,
  type Sandbox,
} from "./network-state.ts";
import type { ConnectRequest } from "./networks.ts";
import { translateQuestions } from "./resolver/resolver-sockets.ts";
import { endpointFacts } from "./sandbox-driver.ts";

/** Gives a running container one more endpoint, and names where the network has them. */
export async function connectContainer(
  parts: NetworkParts & { readonly startResolver: () => void },
  request: ConnectRequest,
): Promise<EndpointFacts> {
  const { facts, isWoken } = await parts.ledger.update(async (page) => {
    await sweepDead(parts, page);
    const network = userNetwork(parts, page.records, request.network, "join");
    const sandbox = getSandbox(page.state, request.container);
    if (endpointsOf(page.state, sandbox).some((one) => one.network === network.name))
      throw new LighterError(
        "ENDPOINT_EXISTS",
        `cannot join network "${network.name}": endpoint with name ${labelOf(sandbox)} already exists in network ${network.name}`,
      );
    using namespace = openSandbox(parts, sandbox);
    const { idleResolver } = sandbox;
    const isWoken = hasNames(network) && sandbox.resolver === undefined && idleResolver !== undefined;
    if (isWoken) translateQuestions(parts.host, namespace, idleResolver);
    await joinNetworks(parts, page, { sandbox, namespace, joinings: [{ network, request }] });
    if (isWoken) wakeResolver(page, sandbox);
    const facts = endpointFacts(page.state, sandbox).find((one) => one.network === network.name);
    if (facts === undefined)
      throw new LighterError("INTERNAL", "cannot find the endpoint that was just made");
    return { facts, isWoken };
  });
  if (isWoken) parts.startResolver();
  return facts;
}

function wakeResolver(page: LedgerPage, { id }: Sandbox): void {
  const sandboxes = page.state.sandboxes.map((sandbox) => {
    const { idleResolver, ...rest } = sandbox;
    return sandbox.id === id && idleResolver !== undefined ? { ...rest, resolver: idleResolver } : sandbox;
  });
  page.save({ ...page.state, sandboxes });
}

/** Takes one endpoint of a running container away; its default route moves to the next network. */
export async function disconnectContainer(
  parts: NetworkParts,
  request: { readonly network: string; readonly container: string },
): Promise<void> {
  await parts.ledger.update(async (page) => {
    await sweepDead(parts, page);
    const network = userNetwork(parts, page.records, request.network, "leave");
    const sandbox = getSandbox(page.state, request.container);
    const endpoint = endpointsOf(page.state, sandbox).find((one) => one.network === network.name);
    if (endpoint === undefined)
      throw new LighterError(
        "ENDPOINT_NOT_FOUND",
        `cannot leave network "${network.name}": container ${labelOf(sandbox)} is not connected to network ${network.name}`,
      );
    using namespace = openSandbox(parts, sandbox);
    const former = page.state;
    await parts.kernel.removeInner(endpoint, namespace);
    await releaseEndpoints(parts, page, { endpoints: [endpoint], sandboxes: [], linksGone: true });
    for (const version of [4, 6] as const) {
      if (gatewayEndpoint(former, sandbox, version)?.id !== endpoint.id) continue;
      const next = gatewayEndpoint(page.state, sandbox, version);
      const way = next && raisedNetwork(page.state, next.network);
      if (next !== undefined && way !== undefined)
        parts.kernel.addDefaultRoute(way, next, { version, namespace });
    }
  });
}

/** The resolver reads names from the state. */
export async function renameContainer(
  { ledger }: Pick<NetworkParts, "ledger">,
  containerId: string,
  name: string,
): Promise<void> {
  const isHere = (state: NetworkState): boolean =>
    state.sandboxes.some((sandbox) => sandbox.containerId === containerId);
  if (!isHere(ledger.read())) return;
  await ledger.update((page) => {
    const sandboxes = page.state.sandboxes.map((sandbox) =>
      sandbox.containerId === containerId ? { ...sandbox, containerName: name } : sandbox,
    );
    page.save({ ...page.state, sandboxes });
    return Promise.resolve();
  });
}

/**
 * The network namespace of a living container: where its owner held it first, else where any process is in it, because the
 * owner may have handed it over.
 */
export function openSandbox({ host }: Pick<NetworkParts, "host">, sandbox: Sandbox): NetworkNamespace {
  const { path, inode } = sandbox.namespace;
  for (const candidate of [path, ...processNamespaces()]) {
    if (inodeOf(candidate) !== inode) continue;
    const namespace = host.namespaces.openNetworkAt(candidate);
    if (host.namespaces.networkInode(namespace) === inode) return namespace;
    namespace[Symbol.dispose]();
  }
  throw new LighterError(
    "CONTAINER_NOT_FOUND",
    `cannot enter the network of container "${labelOf(sandbox)}": no process is in it; it is not running`,
  );
}

function* processNamespaces(): Generator<string> {
  for (const name of readdirSync("/proc")) if (/^\d+$/.test(name)) yield `/proc/${name}/ns/net`;
}

function inodeOf(path: string): number | undefined {
  try {
    return existsSync(path) ? statSync(path).ino : undefined;
  } catch {
    return undefined; // it ended while the list was read
  }
}

function userNetwork(
  { root }: Pick<NetworkParts, "root">,
  records: readonly Network[],
  text: string,
  verb: string,
): Network {
  const network = getJoinable([...predefinedNetworks(root), ...records], text, verb);
  if (network.driver !== "host" && network.driver !== "null") return network;
  throw new LighterError(
    "NETWORK_PREDEFINED",
    `cannot ${verb} network "${network.name}": a container has it from its start or not at all`,
  );
}

function getSandbox(state: NetworkState, text: string): Sandbox {
  const found = findSandbox(state, text);
  if (found !== undefined) return found;
  throw new LighterError(
    "CONTAINER_NOT_FOUND",
    `cannot find the network of container "${text}": no running container of that name has one`,
    { details: { container: text } },
  );
}
