import { parseEgress } from "./egress-rule.ts";
import { bridgeOptions, isSociable } from "./network-record.ts";
import {
  type Endpoint,
  endpointsOf,
  gatewayEndpoint,
  type NetworkState,
  type PublishedPort,
  type RaisedNetwork,
  raisedNetwork,
  type Sandbox,
} from "./network-state.ts";

/** Elements by the name of their set or map. */
export type Elements = ReadonlyMap<string, readonly string[]>;

/** Everything that the sets and maps hold for a state; what the kernel or the resolver adds in time is not here. */
export function elementsOf(state: NetworkState): Elements {
  const bridges = state.networks.filter(({ driver }) => driver === "bridge");
  const links = (wanted: (network: RaisedNetwork) => boolean): string[] =>
    bridges.filter(wanted).map(({ link }) => `"${link}"`);
  const found = new Map<string, string[]>([
    ["bridges", links(() => true)],
    ["neighbours", links(isSociable).map((link) => `${link} . ${link}`)],
    ["internal", links(({ internal }) => internal)],
  ]);
  const bySandbox = groupEndpoints(state);
  for (const sandbox of state.sandboxes) {
    // A state with its own endpoints only: looking through all of them for each would be quadratic.
    const own = { ...state, endpoints: bySandbox.get(sandbox.id) ?? [] };
    for (const [name, element] of [...portElements(own, sandbox), ...egressElements(own, sandbox)]) {
      const list = found.get(name) ?? [];
      list.push(element);
      found.set(name, list);
    }
  }
  return found;
}

function groupEndpoints({ endpoints }: NetworkState): ReadonlyMap<string, readonly Endpoint[]> {
  const groups = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const group = groups.get(endpoint.sandbox) ?? [];
    group.push(endpoint);
    groups.set(endpoint.sandbox, group);
  }
  return groups;
}

type Element = readonly [set: string, element: string];

/** Ports lead to the endpoint by which the container reaches the world. */
export function portElements(state: NetworkState, sandbox: Sandbox): readonly Element[] {
  return sandbox.ports.flatMap((port): Element[] => {
    const version = port.hostAddress?.includes(":") === true ? 6 : 4;
    const endpoint = gatewayEndpoint(state, sandbox, version);
    const address = version === 4 ? endpoint?.address : endpoint?.address6;
    if (endpoint === undefined || address === undefined) return [];
    if (raisedNetwork(state, endpoint.network)?.driver !== "bridge") return [];
    return [version === 4 ? element4(port, address) : element6(port, address)];
  });
}

function element4({ hostAddress, protocol, hostPort, containerPort }: PublishedPort, to: string): Element {
  const element = `${protocol} . ${hostPort} : ${to} . ${containerPort}`;
  return hostAddress === undefined || hostAddress === "0.0.0.0"
    ? ["published", element]
    : ["published_at", `${hostAddress} . ${element}`];
}

function element6({ hostAddress, protocol, hostPort, containerPort }: PublishedPort, to: string): Element {
  const element = `${protocol} . ${hostPort} : ${to} . ${containerPort}`;
  return hostAddress === "::" ? ["published6", element] : ["published6_at", `${hostAddress} . ${element}`];
}

/** The container is limited by every policy that it or one of its networks has; together they say what it may reach. */
export function egressOf(state: NetworkState, sandbox: Sandbox): readonly string[] | undefined {
  const policies = [
    sandbox.egress,
    ...endpointsOf(state, sandbox).map(({ network }) => raisedNetwork(state, network)?.egress),
  ].filter((policy) => policy !== undefined);
  return policies.length === 0 ? undefined : [...new Set(policies.flat())];
}

function egressElements(state: NetworkState, sandbox: Sandbox): readonly Element[] {
  const policy = egressOf(state, sandbox);
  if (policy === undefined) return [];
  const rules = policy.map(parseEgress);
  return endpointsOf(state, sandbox).flatMap((endpoint): Element[] =>
    ([4, 6] as const).flatMap((version): Element[] => {
      const address = version === 4 ? endpoint.address : endpoint.address6;
      const suffix = version === 4 ? "" : "6";
      if (address === undefined) return [];
      const open = rules
        .filter((rule) => rule.kind === "subnet" && rule.version === version)
        .flatMap((rule) =>
          ["tcp", "udp"].map((protocol): Element => {
            const ports = rule.port === undefined ? "0-65535" : String(rule.port);
            return [`allowed${suffix}`, `${address} . ${rule.host} . ${protocol} . ${ports}`];
          }),
        );
      return [[`limited${suffix}`, address], ...open];
    }),
  );
}

export function hostBindingOf(network: { readonly options: Readonly<Record<string, string>> } | undefined) {
  return network?.options[bridgeOptions.hostBinding];
}
