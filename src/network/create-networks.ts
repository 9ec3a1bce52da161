import { join } from "node:path";
import type { Host } from "#host";
import type { AttachRequest } from "#runtime";
import { connectContainer, disconnectContainer, renameContainer } from "./connect-container.ts";
import { getJoinable, type Owner, ownerOf, predefinedNetworks } from "./find-network.ts";
import { networkGraph } from "./graph/network-graph.ts";
import { attachHost } from "./host-driver.ts";
import { type NetworkParts, sweepDead } from "./join-networks.ts";
import { NetworkLedger } from "./ledger.ts";
import { findSandbox } from "./link-lines.ts";
import { NetworkKernel } from "./network-kernel.ts";
import {
  createNetwork,
  getNetworkView,
  listNetworks,
  pruneNetworks,
  removeNetwork,
} from "./network-registry.ts";
import type { Networks } from "./networks.ts";
import { attachNone } from "./none-driver.ts";
import { attachPeer } from "./peer-driver.ts";
import { listRefused } from "./refused-flows.ts";
import { readRefusedNames } from "./resolver/refused-names.ts";
import { type ResolverCommand, startResolver } from "./resolver/start-resolver.ts";
import { attachSandbox, endpointFacts, resolvConfOf } from "./sandbox-driver.ts";

/** How the networks of one store are opened. */
export interface NetworksOptions {
  /** The store; state is kept in `<root>/network`. */
  readonly root: string;
  readonly host: Pick<
    Host,
    "links" | "firewall" | "namespaces" | "locks" | "probes" | "sockets" | "processes"
  >;
  /** Without it no names are answered. */
  readonly resolver?: ResolverCommand;
  /** Receives sentences worth showing that are no failures. */
  readonly onWarning?: (text: string) => void;
  /**
   * Whoever leaves does not wait until the kernel has removed its links, some 50 ms: a program does that, which holds the lock
   * of the networks meanwhile.
   */
  readonly removesAside?: boolean;
}

/** The networks of a store. Making them costs nothing; a kernel object appears with the first attachment. */
export function createNetworks(options: NetworksOptions): Networks {
  const { root, host } = options;
  const onWarning = options.onWarning ?? (() => {});
  const ledger = new NetworkLedger({ folder: join(root, "network"), host });
  let known: Owner | undefined;
  const owner = (): Owner => (known ??= ownerOf(root));
  const kernel = new NetworkKernel({ host, owner });
  const parts: NetworkParts = {
    root,
    host,
    ledger,
    kernel,
    onWarning,
    removesAside: options.removesAside ?? false,
  };
  const answering = { ...parts, startResolver: () => startResolver(parts, options.resolver) };
  const driverOf = (request: AttachRequest): "host" | "none" | "peer" | "sandbox" => {
    if (request.network.startsWith("container:")) return "peer";
    const { driver } = getJoinable([...predefinedNetworks(root), ...ledger.records()], request.network);
    return driver === "host" ? "host" : driver === "null" ? "none" : "sandbox";
  };
  return {
    attach: async (request) => {
      switch (driverOf(request)) {
        case "host":
          return attachHost(request, onWarning);
        case "none":
          return attachNone(host, request);
        case "peer":
          return attachPeer(host, request);
        case "sandbox":
          return await attachSandbox(answering, request);
      }
    },
    sweep: async () => {
      const { networks, sandboxes } = ledger.read();
      if (networks.length + sandboxes.length > 0)
        await ledger.update((page) => sweepDead(parts, page, { aside: true }));
    },
    create: (request) => createNetwork(parts, request),
    list: () => listNetworks(parts),
    get: (text) => getNetworkView(parts, text),
    remove: (text) => removeNetwork(parts, text),
    prune: (accepts = () => true) => pruneNetworks(parts, accepts),
    connect: (request) => connectContainer(answering, request),
    disconnect: (request) => disconnectContainer(parts, request),
    rename: (containerId, name) => renameContainer(parts, containerId, name),
    endpoints: (container) => {
      const state = ledger.read();
      const sandbox = findSandbox(state, container);
      return sandbox === undefined ? [] : endpointFacts(state, sandbox);
    },
    resolvConf: (container) => {
      const sandbox = findSandbox(ledger.read(), container);
      return sandbox === undefined ? undefined : resolvConfOf(sandbox);
    },
    firewall: () => {
      const { table } = owner();
      return host.firewall.hasTable(table) ? host.firewall.print(`table inet ${table}`) : "";
    },
    graph: () => networkGraph(listNetworks(parts), ledger.read()),
    verify: async (request) => {
      const { verifyNetworks } = await import("./verify/verify-networks.ts");
      return await verifyNetworks(parts, request);
    },
    refused: () => listRefused(parts),
    refusedNames: () => readRefusedNames(ledger.folder),
  };
}
