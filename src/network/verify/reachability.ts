import { egressOf } from "../firewall-elements.ts";
import { isSociable } from "../network-record.ts";
import {
  type Endpoint,
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
export function judgeDirect(state: NetworkState, from: Party, to: Party): Judgement {
  if (to.kind === "container") return judgeIntoContainer(state, from, to.sandbox);
  if (from.kind !== "container") return no("not a matter of these networks");
  return to.kind === "host" ? judgeToHost(state, from.sandbox) : judgeToOutside(state, from.sandbox);
}

function judgeIntoContainer(state: NetworkState, from: Party, to: Sandbox): Judgement {
  const targets = endpointsOf(state, to).filter(({ address }) => address !== undefined);
  const [first] = targets;
  if (first === undefined) return no("it has no address");
  if (from.kind === "host") return judgeFromHost(state, targets, first);
  if (from.kind === "outside") {
    const bridged = targets.find((one) => raisedNetwork(state, one.network)?.driver === "bridge");
    return bridged === undefined
      ? no("not a matter of these rules: it stands on its parent's network", undefined)
      : no("into: container addresses used from outside are dropped", bridged.address);
  }
  const own = new Map(endpointsOf(state, from.sandbox).map((one) => [one.network, one]));
  const shared = targets.filter(({ network }) => own.has(network));
  const judged = shared.map((target) => judgeNeighbours(state, target));
  const best = judged.find(({ reaches }) => reaches) ?? judged[0];
  if (best !== undefined) return best;
  const isInternal = [...own.keys()].every((name) => raisedNetwork(state, name)?.internal === true);
  return no(
    isInternal
      ? "forward: internal networks: nothing gets out"
      : "into: everything else: other networks are dropped",
    first.address,
  );
}

function judgeFromHost(state: NetworkState, targets: readonly Endpoint[], first: Endpoint): Judgement {
  const bridged = targets.find((one) => raisedNetwork(state, one.network)?.driver === "bridge");
  return bridged === undefined
    ? no("macvlan and ipvlan do not join the host to its own links", first.address)
    : yes("the host is on every bridge", bridged.address);
}

function judgeNeighbours(state: NetworkState, target: Endpoint): Judgement {
  const network = raisedNetwork(state, target.network);
  if (network === undefined) return no("the network does not stand", target.address);
  const mode = network.options["macvlan_mode"] ?? "bridge";
  if (network.driver === "macvlan" && mode !== "bridge")
    return no(`macvlan mode ${mode} keeps neighbours apart`, target.address);
  if (network.driver === "bridge" && !isSociable(network))
    return no(`${network.name}: enable_icc=false keeps neighbours apart`, target.address);
  return yes(`neighbours on the same network (${network.name})`, target.address);
}

function judgeToHost(state: NetworkState, from: Sandbox): Judgement {
  const bridged = endpointsOf(state, from).flatMap((endpoint) => {
    const network = raisedNetwork(state, endpoint.network);
    const gateway = network?.subnets.find(({ subnet }) => !subnet.includes(":"))?.gateway;
    return network?.driver === "bridge" && gateway !== undefined ? [gateway] : [];
  });
  const [address] = bridged;
  if (address === undefined) return no("it has no address of the host on its networks");
  return egressOf(state, from) === undefined
    ? yes("services of the host are not filtered by these rules", address)
    : no("egress: everything else is refused", address);
}

function judgeToOutside(state: NetworkState, from: Sandbox): Judgement {
  const networks = endpointsOf(state, from).map(({ network }) => raisedNetwork(state, network));
  if (networks.every((network) => network?.internal !== false))
    return no("forward: internal networks: nothing gets out");
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
  if (from.kind === "host") return yes("published port", port.hostAddress ?? "127.0.0.1");
  if (isLoopback) return no("the port is published on 127.0.0.1", port.hostAddress);
  if (from.kind === "outside") return yes("into: published ports", address);
  const out = judgeToOutside(state, from.sandbox);
  return out.reaches ? yes("into: published ports", address) : no(out.because, address);
}

function isSpecific({ hostAddress }: PublishedPort): boolean {
  return hostAddress !== undefined && hostAddress !== "0.0.0.0" && hostAddress !== "::";
}
