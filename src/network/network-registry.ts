import { LighterError } from "#base";
import { randomHex } from "#host";
import { findNetwork, getNetwork, ownerOf, predefinedNames, predefinedNetworks } from "./find-network.ts";
import { describeOverlap, freeSubnet } from "./host-networks.ts";
import { defaultPools, firstAddress } from "./ipam.ts";
import { type NetworkParts, sweepDead } from "./join-networks.ts";
import type { LedgerPage } from "./ledger.ts";
import { bridgeOptions, type Network, type Subnet, subnetOf } from "./network-record.ts";
import {
  type CreateNetworkRequest,
  describedRequest,
  type NetworkPlan,
  planNetwork,
} from "./network-request.ts";
import { type NetworkState, raisedNetwork } from "./network-state.ts";
import type { NetworkMember, NetworkView } from "./networks.ts";
import { endpointFacts } from "./sandbox-driver.ts";
import { parentMissing } from "./sublink.ts";

/** Writes a network down; it appears in the kernel with its first container. */
export async function createNetwork(parts: NetworkParts, asked: CreateNetworkRequest): Promise<Network> {
  // What needs no look at others is told before anybody is kept waiting.
  if (asked.configFrom === undefined) planNetwork(asked);
  return await parts.ledger.update((page) => {
    const description = asked.configFrom === undefined ? undefined : getDescription(page, asked);
    const request = description === undefined ? asked : describedRequest(asked, description);
    const plan = planNetwork(request);
    if ([...predefinedNames, "default"].includes(plan.name))
      throw refused(
        "NETWORK_PREDEFINED",
        "create",
        plan.name,
        `operation is not permitted on predefined ${plan.name} network`,
      );
    if (page.records.some(({ name }) => name === plan.name))
      throw refused("NETWORK_EXISTS", "create", plan.name, `network with name ${plan.name} already exists`);
    const network: Network = {
      id: randomHex(32),
      name: plan.name,
      driver: plan.driver,
      created: new Date().toISOString(),
      subnets: request.configOnly === true ? plan.subnets : settleSubnets(parts, page, plan),
      isSubnetChosen: plan.subnets.length > 0,
      internal: request.internal ?? false,
      attachable: request.attachable ?? false,
      labels: request.labels ?? {},
      options: plan.options,
      ...(request.egress === undefined || request.egress.length === 0 ? {} : { egress: request.egress }),
      ...(request.configOnly === true ? { configOnly: { ipv6: request.ipv6 ?? false } } : {}),
      ...(description === undefined ? {} : { configFrom: description.name }),
    };
    page.saveRecords([...page.records, network]);
    return Promise.resolve(network);
  });
}

function getDescription(page: LedgerPage, { name, configFrom = "" }: CreateNetworkRequest): Network {
  const found = findNetwork(
    page.records.filter(({ configOnly }) => configOnly !== undefined),
    configFrom,
  );
  if (found !== undefined) return found;
  throw new LighterError(
    "NETWORK_INVALID",
    `cannot create network "${name}": configuration network "${configFrom}" does not exist; make it with --config-only`,
    { details: { network: configFrom } },
  );
}

/** A subnet must not hide what the host reaches; links on a parent share the parent's network, which is their purpose. */
function settleSubnets(
  { host, kernel, root }: NetworkParts,
  page: LedgerPage,
  plan: NetworkPlan,
): readonly Subnet[] {
  const { links, reached } = kernel.hostNetworks();
  const onParent = plan.driver !== "bridge";
  checkBridgeName(
    plan,
    page.records,
    links.filter(({ alias }) => !ownerOf(root).owns(alias)).map(({ name }) => name),
  );
  if (onParent) checkParent(host, plan, new Set(links.map(({ name }) => name)));
  const standing = page.state.networks.filter(({ name }) => !page.records.some((one) => one.name === name));
  const records = page.records.filter(({ configOnly }) => configOnly === undefined);
  // The first pool is left to the default network as long as there are others, as docker has it.
  const pools = [...defaultPools.slice(1), ...defaultPools.slice(0, 1)];
  const context = {
    pools,
    reached,
    networks: [...records, ...standing],
    globalId: () => ownerOf(root).globalId,
  };
  for (const { subnet } of plan.subnets) {
    const overlap = describeOverlap(subnet, onParent ? { ...context, reached: [] } : context);
    if (overlap !== undefined)
      throw refused("NETWORK_OVERLAP", "create", plan.name, `${overlap}; choose another`);
  }
  const added = plan.needs.map((version): Subnet => {
    const subnet = freeSubnet(version, context);
    return { subnet, gateway: firstAddress(subnet) };
  });
  return [...plan.subnets, ...added].sort(
    (a, b) => Number(a.subnet.includes(":")) - Number(b.subnet.includes(":")),
  );
}

function checkBridgeName(
  { name, options }: NetworkPlan,
  records: readonly Network[],
  foreign: readonly string[],
): void {
  const chosen = options[bridgeOptions.name];
  if (chosen === undefined) return;
  const holder = records.find((one) => one.driver === "bridge" && one.options[bridgeOptions.name] === chosen);
  if (holder !== undefined)
    throw refused(
      "NETWORK_INVALID",
      "create",
      name,
      `network ${holder.name} has bridge name "${chosen}" already`,
    );
  if (foreign.includes(chosen))
    throw refused(
      "NETWORK_INVALID",
      "create",
      name,
      `the host has a link "${chosen}"; choose another bridge name`,
    );
}

function checkParent(
  { links }: NetworkParts["host"],
  { name, driver, options }: NetworkPlan,
  names: ReadonlySet<string>,
): void {
  const parent = options["parent"] ?? "";
  const below = /^(.+)\.\d{1,4}$/.exec(parent)?.[1] ?? "";
  if (!names.has(parent) && !names.has(below)) throw parentMissing({ name }, parent);
  if (!names.has(parent)) links.requireKind("vlan");
  if (driver === "macvlan" || driver === "ipvlan") links.requireKind(driver);
}

/** All networks with who is on them. */
export function listNetworks(parts: NetworkParts): readonly NetworkView[] {
  const state = parts.ledger.read();
  return [...predefinedNetworks(parts.root), ...parts.ledger.records()].map((network) =>
    viewOf(parts, state, network),
  );
}

export function getNetworkView(parts: NetworkParts, text: string): NetworkView {
  const networks = [...predefinedNetworks(parts.root), ...parts.ledger.records()];
  return viewOf(parts, parts.ledger.read(), getNetwork(networks, text, "find"));
}

function viewOf({ ledger }: NetworkParts, state: NetworkState, network: Network): NetworkView {
  const raised = raisedNetwork(state, network.name);
  const members = state.sandboxes.flatMap((sandbox): NetworkMember[] =>
    endpointFacts(state, sandbox)
      .filter((facts) => facts.network === network.name)
      .filter(() => ledger.isAlive(sandbox))
      .map((facts) => ({
        containerId: sandbox.containerId,
        name: sandbox.containerName ?? sandbox.containerId.slice(0, 12),
        facts,
      })),
  );
  return {
    ...network,
    // The default network's subnet is chosen when it stands.
    ...(raised === undefined ? {} : { subnets: raised.subnets, link: raised.link }),
    members,
  };
}

export async function removeNetwork(parts: NetworkParts, text: string): Promise<Network> {
  return await parts.ledger.update(async (page) => {
    const networks = [...predefinedNetworks(parts.root), ...page.records];
    const network = getNetwork(networks, text, "remove");
    if (findNetwork(page.records, network.id) === undefined)
      throw refused(
        "NETWORK_PREDEFINED",
        "remove",
        network.name,
        `${network.name} is a pre-defined network and cannot be removed`,
      );
    await sweepDead(parts, page);
    const users = usersOf(page.state, network);
    if (users.length > 0)
      throw refused(
        "NETWORK_IN_USE",
        "remove",
        network.name,
        `network ${network.name} has active endpoints (${users.join(", ")}); disconnect or stop them`,
      );
    const made = page.records.filter(({ configFrom }) => configFrom === network.name).map(({ name }) => name);
    if (network.configOnly !== undefined && made.length > 0)
      throw refused(
        "NETWORK_IN_USE",
        "remove",
        network.name,
        `configuration network "${network.name}" is in use by ${made.join(", ")}; remove that first`,
      );
    page.saveRecords(page.records.filter(({ id }) => id !== network.id));
    return network;
  });
}

export async function pruneNetworks(
  parts: NetworkParts,
  accepts: (network: NetworkView) => boolean,
): Promise<readonly Network[]> {
  return await parts.ledger.update(async (page) => {
    await sweepDead(parts, page);
    const idle = page.records.filter(
      (network) =>
        network.configOnly === undefined &&
        usersOf(page.state, network).length === 0 &&
        accepts(viewOf(parts, page.state, network)),
    );
    if (idle.length > 0) page.saveRecords(page.records.filter((network) => !idle.includes(network)));
    return idle;
  });
}

function usersOf(state: NetworkState, network: Network): readonly string[] {
  return state.sandboxes
    .filter((sandbox) =>
      state.endpoints.some((one) => one.sandbox === sandbox.id && one.network === network.name),
    )
    .map((sandbox) => sandbox.containerName ?? sandbox.containerId.slice(0, 12));
}

export function hasVersion6(network: Pick<Network, "subnets">): boolean {
  return subnetOf(network, 6) !== undefined;
}

function refused(
  code: "NETWORK_EXISTS" | "NETWORK_INVALID" | "NETWORK_OVERLAP" | "NETWORK_PREDEFINED" | "NETWORK_IN_USE",
  verb: string,
  name: string,
  state: string,
): LighterError {
  return new LighterError(code, `cannot ${verb} network "${name}": ${state}`, { details: { network: name } });
}
