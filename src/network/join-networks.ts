import type { Host, NetworkNamespace } from "#host";
import { checkEndpointRequest, chooseInner, type Joining, planEndpoint } from "./endpoint-plan.ts";
import { egressOf } from "./firewall-elements.ts";
import { needsTable } from "./firewall-rules.ts";
import type { LedgerPage, NetworkLedger } from "./ledger.ts";
import type { Closing, NetworkKernel } from "./network-kernel.ts";
import {
  type Endpoint,
  endpointsOf,
  gatewayEndpoint,
  type NetworkState,
  type RaisedNetwork,
  raisedNetwork,
  type Sandbox,
} from "./network-state.ts";

/** What every change of the networks needs. */
export interface NetworkParts {
  readonly root: string;
  readonly host: Pick<
    Host,
    "links" | "firewall" | "namespaces" | "locks" | "probes" | "sockets" | "processes"
  >;
  readonly ledger: NetworkLedger;
  readonly kernel: NetworkKernel;
  readonly onWarning: (text: string) => void;
  /** Links of what has ended are removed by a program that outlives this process. */
  readonly removesAside: boolean;
}

/**
 * Gives a sandbox endpoints of networks. State first, kernel after: whatever a crash leaves in the kernel, the state explains
 * it to the next sweep. Called with the ledger's lock held.
 */
export async function joinNetworks(
  parts: NetworkParts,
  page: LedgerPage,
  wish: {
    readonly sandbox: Sandbox;
    readonly namespace: NetworkNamespace;
    readonly joinings: readonly Joining[];
  },
): Promise<void> {
  const { sandbox, namespace } = wish;
  const made: Endpoint[] = [];
  const isNew = !page.state.sandboxes.some(({ id }) => id === sandbox.id);
  if (isNew) page.save({ ...page.state, sandboxes: [...page.state.sandboxes, sandbox] });
  const before = page.state;
  let isRaised = false;
  try {
    for (const joining of wish.joinings) {
      checkEndpointRequest(joining);
      const joined = await joinOne(parts, page, { sandbox, joining, namespace, made });
      isRaised ||= joined.isRaised;
    }
    publishJoined(parts, page, { sandbox, isRaised, before: isNew ? undefined : before });
    addDefaultRoutes(parts, page.state, { sandbox, namespace, made });
    parts.kernel.forgetFlows(sandbox.ports);
  } catch (error) {
    // The first failure is the one to tell; what this cannot undo, the next sweep does.
    await releaseEndpoints(parts, page, { endpoints: made, sandboxes: isNew ? [sandbox] : [] }).catch(
      () => {},
    );
    throw error;
  }
}

async function joinOne(
  { kernel }: NetworkParts,
  page: LedgerPage,
  wish: {
    readonly sandbox: Sandbox;
    readonly joining: Joining;
    readonly namespace: NetworkNamespace;
    readonly made: Endpoint[];
  },
): Promise<{ readonly isRaised: boolean }> {
  const { sandbox, joining } = wish;
  using choice = await kernel.prepare(page, joining.network);
  const inner = chooseInner(endpointsOf(page.state, sandbox), joining);
  const endpoint = planEndpoint(page.state, choice.network, {
    sandbox: sandbox.id,
    inner,
    request: joining.request,
  });
  const network: RaisedNetwork = {
    ...choice.network,
    ...(endpoint.address === undefined ? {} : { lastAddress: endpoint.address }),
    ...(endpoint.address6 === undefined ? {} : { lastAddress6: endpoint.address6 }),
  };
  page.save({
    ...page.state,
    networks: [...page.state.networks.filter(({ name }) => name !== network.name), network],
    endpoints: [...page.state.endpoints, endpoint],
  });
  wish.made.push(endpoint);
  const isRaised = kernel.raise(network, page);
  if (isRaised) {
    kernel.applyFirewall(page.state);
    kernel.routeLoopback(network);
  }
  await kernel.connect(network, endpoint, { namespace: wish.namespace, request: joining.request });
  return { isRaised };
}

/** A container's ports are one element each; a new network, a new policy or a moved gateway renew the sets. */
function publishJoined(
  { kernel }: NetworkParts,
  page: LedgerPage,
  change: {
    readonly sandbox: Sandbox;
    readonly isRaised: boolean;
    readonly before: NetworkState | undefined;
  },
): void {
  const { sandbox, isRaised, before } = change;
  const isSimple = before === undefined && egressOf(page.state, sandbox) === undefined;
  if (isSimple && !isRaised) kernel.publish(page.state, sandbox);
  else if (!isSimple || sandbox.ports.length > 0) kernel.applyFirewall(page.state);
}

function addDefaultRoutes(
  { kernel }: NetworkParts,
  state: NetworkState,
  change: {
    readonly sandbox: Sandbox;
    readonly namespace: NetworkNamespace;
    readonly made: readonly Endpoint[];
  },
): void {
  for (const version of [4, 6] as const) {
    const endpoint = gatewayEndpoint(state, change.sandbox, version);
    const network = endpoint && raisedNetwork(state, endpoint.network);
    // One that led there before has its route.
    if (endpoint === undefined || network === undefined || !change.made.includes(endpoint)) continue;
    kernel.addDefaultRoute(network, endpoint, { version, namespace: change.namespace });
  }
}

/**
 * Takes endpoints, and sandboxes, out. Kernel first, state after: until the state forgets it, a sweep can repeat it.
 * `linksGone` when the caller removes the pairs itself; `aside` when nothing follows under the same lock.
 */
export async function releaseEndpoints(
  { kernel, ledger, removesAside }: Pick<NetworkParts, "kernel" | "ledger" | "removesAside">,
  page: LedgerPage,
  gone: {
    readonly endpoints: readonly Endpoint[];
    readonly sandboxes: readonly Sandbox[];
    readonly linksGone?: boolean;
    readonly aside?: boolean;
  },
): Promise<void> {
  const former = page.state;
  const isGone = new Set(gone.endpoints.map(({ id }) => id));
  const endpoints = former.endpoints.filter(({ id }) => !isGone.has(id));
  const sandboxes = former.sandboxes.filter(({ id }) => !gone.sandboxes.some((one) => one.id === id));
  const used = new Set(endpoints.map(({ network }) => network));
  const networks = former.networks.filter(({ name }) => used.has(name));
  const idle = former.networks.filter(({ name }) => !used.has(name));
  const next: NetworkState = { ...former, endpoints, sandboxes, networks };
  const pairs = gone.linksGone === true ? [] : gone.endpoints.flatMap(({ link }) => link ?? []);
  const links = kernel.ownLinks(idle);
  const isAside = gone.aside === true && removesAside;
  if (!isAside) await kernel.removeLinks(pairs);
  using closing = withdraw(kernel, { former, next, gone, isNetworkIdle: idle.length > 0 });
  kernel.forgetFlows(gone.sandboxes.flatMap(({ ports }) => ports));
  const doomed = isAside ? [...pairs, ...links] : links;
  const isLeft =
    isAside && doomed.length > 0 && kernel.removeLinksAside(doomed, { page, folder: ledger.folder, closing });
  if (!isLeft) await kernel.removeLinks(doomed);
  page.save(next);
  for (const { id } of gone.sandboxes) ledger.forget(id);
}

function withdraw(
  kernel: NetworkKernel,
  change: {
    readonly former: NetworkState;
    readonly next: NetworkState;
    readonly gone: { readonly endpoints: readonly Endpoint[]; readonly sandboxes: readonly Sandbox[] };
    readonly isNetworkIdle: boolean;
  },
): Closing | undefined {
  const { former, next, gone } = change;
  if (change.isNetworkIdle && !needsTable(next)) return kernel.removeFirewall();
  const limited = former.sandboxes.filter(
    (sandbox) =>
      gone.endpoints.some((endpoint) => endpoint.sandbox === sandbox.id) &&
      egressOf(former, sandbox) !== undefined,
  );
  for (const sandbox of limited) kernel.forgetResolved(former, sandbox);
  const isPartial = gone.endpoints.some((endpoint) =>
    next.sandboxes.some((sandbox) => sandbox.id === endpoint.sandbox),
  );
  if (change.isNetworkIdle || isPartial || limited.length > 0) kernel.applyFirewall(next);
  else for (const sandbox of gone.sandboxes) kernel.withdraw(next, { state: former, sandbox });
  return undefined;
}

/** Frees what dead owners held. Called with the ledger's lock held. */
export async function sweepDead(
  parts: NetworkParts,
  page: LedgerPage,
  options: { readonly aside?: boolean } = {},
): Promise<void> {
  const { state } = page;
  const dead = state.sandboxes.filter((sandbox) => !parts.ledger.isAlive(sandbox));
  const hasIdle = state.networks.some(({ name }) => !state.endpoints.some(({ network }) => network === name));
  if (dead.length === 0 && !hasIdle) return;
  const endpoints = dead.flatMap((sandbox) => endpointsOf(state, sandbox));
  await releaseEndpoints(parts, page, { endpoints, sandboxes: dead, ...options });
}
