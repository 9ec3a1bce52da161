import { egressOf } from "../firewall-elements.ts";
import { isSociable, subnetOf } from "../network-record.ts";
import {
  endpointsOf,
  type NetworkState,
  type PublishedPort,
  raisedNetwork,
  type Sandbox,
} from "../network-state.ts";

/** Someone who may send or be reached. */
export type Party =
  | { readonly kind: "container"; readonly name: string; readonly sandbox: Sandbox }
  | { readonly kind: "host"; readonly name: "host" }
  | { readonly kind: "outside"; readonly name: "outside" };

/** What the rules say, and which rule says so. */
export interface Judgement {
  readonly reaches: boolean;
  readonly because: string;
  /** The address to try; undefined when there is none. */
  readonly address?: string;
  /** The way leads where these rules, and probes from this host, do not reach. */
  readonly isElsewhere?: boolean;
}

const yes = (because: string, address?: string): Judgement => ({
  reaches: true,
  because,
  ...(address === undefined ? {} : { address }),
});
const no = (because: string, address?: string): Judgement => ({
  reaches: false,
  because,
  ...(address === undefined ? {} : { address }),
});

/** Whether `from` reaches any port of `to` by its own address, by the rules of docs/firewall. */
export function judgeDirect(state: NetworkState, from: Party, to: Party, version: 4 | 6): Judgement {
  if (to.kind === "container") return judgeIntoContainer(state, from, to.sandbox, version);
  if (from.kind !== "container") return no("not a matter of these networks");
  return to.kind === "host"
    ? judgeToHost(state, from.sandbox, version)
    : judgeToOutside(state, from.sandbox, version);
}

/** Whether a container has an address of the version; the host and the outside have both. */
export function hasVersion(state: NetworkState, party: Party, version: 4 | 6): boolean {
  return party.kind !== "container" || addressed(state, party.sandbox, version).length > 0;
}

interface Addressed {
  readonly network: string;
  readonly address: string;
}

function addressed(state: NetworkState, sandbox: Sandbox, version: 4 | 6): readonly Addressed[] {
  return endpointsOf(state, sandbox).flatMap(({ network, address, address6 }) => {
    const own = version === 4 ? address : address6;
    return own === undefined ? [] : [{ network, address: own }];
  });
}

function judgeIntoContainer(state: NetworkState, from: Party, to: Sandbox, version: 4 | 6): Judgement {
  const targets = addressed(state, to, version);
  const [first] = targets;
  if (first === undefined) return no("it has no address");
  const bridged = targets.find((one) => raisedNetwork(state, one.network)?.driver === "bridge");
  if (from.kind === "host")
    return bridged === undefined
      ? no("macvlan and ipvlan do not join the host to its own links", first.address)
      : yes("the host is on every bridge", bridged.address);
  if (from.kind === "outside")
    return bridged === undefined
      ? no("not a matter of these rules: it stands on its parent's network", undefined)
      : no("into: container addresses used from outside are dropped", bridged.address);
  const own = new Set(addressed(state, from.sandbox, version).map(({ network }) => network));
  const judged = targets
    .filter(({ network }) => own.has(network))
    .map((target) => judgeNeighbours(state, target));
  const best = judged.find(({ reaches }) => reaches) ?? judged[0];
  if (best !== undefined) return best;
  const isInternal = [...own].every((name) => raisedNetwork(state, name)?.internal === true);
  return no(
    isInternal
      ? "forward: internal networks: nothing gets out"
      : "into: everything else: other networks are dropped",
    first.address,
  );
}

function judgeNeighbours(state: NetworkState, target: Addressed): Judgement {
  const network = raisedNetwork(state, target.network);
  if (network === undefined) return no("the network does not stand", target.address);
  const mode = network.options["macvlan_mode"] ?? "bridge";
  if (network.driver === "macvlan" && mode !== "bridge")
    return no(`macvlan mode ${mode} keeps neighbours apart`, target.address);
  if (network.driver === "bridge" && !isSociable(network))
    return no(`${network.name}: enable_icc=false keeps neighbours apart`, target.address);
  return yes(`neighbours on the same network (${network.name})`, target.address);
}

function judgeToHost(state: NetworkState, from: Sandbox, version: 4 | 6): Judgement {
  const [address] = addressed(state, from, version).flatMap((endpoint) => {
    const network = raisedNetwork(state, endpoint.network);
    const gateway = network && subnetOf(network, version)?.gateway;
    return network?.driver === "bridge" && gateway !== undefined ? [gateway] : [];
  });
  if (address === undefined) return no("it has no address of the host on its networks");
  return egressOf(state, from) === undefined
    ? yes("services of the host are not filtered by these rules", address)
    : no("egress: everything else is refused", address);
}

function judgeToOutside(state: NetworkState, from: Sandbox, version: 4 | 6): Judgement {
  const networks = addressed(state, from, version).map(({ network }) => raisedNetwork(state, network));
  if (networks.every((network) => network?.internal !== false))
    return no("forward: internal networks: nothing gets out");
  if (!networks.some((network) => network?.internal === false && network.driver === "bridge"))
    return { ...yes("its parent's network, which is not a matter of these rules"), isElsewhere: true };
  return egressOf(state, from) === undefined
    ? yes("postrouting: outgoing")
    : no("egress: everything else is refused");
}

/** Whether `from` reaches a published port by an address of the host. */
export function judgePublished(
  state: NetworkState,
  from: Party,
  target: { readonly sandbox: Sandbox; readonly port: PublishedPort },
): Judgement {
  const { port } = target;
  const isLoopback = port.hostAddress?.startsWith("127.") === true;
  const address = isLoopback || !isSpecific(port) ? undefined : port.hostAddress;
  if (from.kind === "host") return yes("published port", isLoopback ? port.hostAddress : address);
  if (isLoopback) return no("the port is published on 127.0.0.1");
  if (from.kind === "outside") return yes("into: published ports", address);
  const out = judgeToOutside(state, from.sandbox, versionOf(port));
  if (out.isElsewhere === true) return out;
  return out.reaches ? yes("into: published ports", address) : no(out.because, address);
}

export function versionOf({ hostAddress }: PublishedPort): 4 | 6 {
  return hostAddress?.includes(":") === true ? 6 : 4;
}

function isSpecific({ hostAddress }: PublishedPort): boolean {
  return hostAddress !== undefined && hostAddress !== "0.0.0.0" && hostAddress !== "::";
}
