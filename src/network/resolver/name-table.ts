import { findSandbox, parseLink } from "../link-lines.ts";
import { hasNames } from "../network-record.ts";
import {
  dnsNamesOf,
  type Endpoint,
  endpointsOf,
  type NetworkState,
  raisedNetwork,
  type Sandbox,
} from "../network-state.ts";

/** The addresses that a container's name has for one asker; none of either when nobody has the name. */
export interface NamedAddresses {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

/**
 * What `name` (lower case, no final dot) means to a container: another container on one of its networks, by name, alias, short id
 * or host name, alone or with `.NETWORK`; or one of its links. Undefined when nobody there has the name.
 */
export function findName(state: NetworkState, asker: Sandbox, name: string): NamedAddresses | undefined {
  const found = visibleEndpoints(state, asker).filter(({ network, names }) =>
    names.some((one) => one === name || `${one}.${network.toLowerCase()}` === name),
  );
  const linked = linkedEndpoints(state, asker, name);
  const endpoints = [...found.map(({ endpoint }) => endpoint), ...linked];
  if (endpoints.length === 0) return undefined;
  return {
    v4: [...new Set(endpoints.flatMap(({ address }) => address ?? []))],
    v6: [...new Set(endpoints.flatMap(({ address6 }) => address6 ?? []))],
  };
}

/** The name of a neighbour's address: `web.frontend`. */
export function findAddress(state: NetworkState, asker: Sandbox, address: string): string | undefined {
  const found = visibleEndpoints(state, asker).find(
    ({ endpoint }) => endpoint.address === address || endpoint.address6 === address,
  );
  return found === undefined ? undefined : `${found.names[0] ?? ""}.${found.network}`;
}

interface VisibleEndpoint {
  readonly endpoint: Endpoint;
  readonly network: string;
  readonly names: readonly string[];
}

function visibleEndpoints(state: NetworkState, asker: Sandbox): readonly VisibleEndpoint[] {
  const own = new Set(
    endpointsOf(state, asker)
      .map(({ network }) => network)
      .filter((name) => hasNames({ name })),
  );
  const sandboxes = new Map(state.sandboxes.map((sandbox) => [sandbox.id, sandbox]));
  return state.endpoints.flatMap((endpoint): VisibleEndpoint[] => {
    const sandbox = sandboxes.get(endpoint.sandbox);
    if (!own.has(endpoint.network) || sandbox === undefined) return [];
    const names = dnsNamesOf(sandbox, endpoint).map((one) => one.toLowerCase());
    return [{ endpoint, network: endpoint.network, names }];
  });
}

function linkedEndpoints(state: NetworkState, asker: Sandbox, name: string): readonly Endpoint[] {
  return endpointsOf(state, asker).flatMap(({ links, network }) =>
    links
      .map(parseLink)
      .filter(({ alias }) => alias.toLowerCase() === name)
      .flatMap(({ container }) => {
        const target = findSandbox(state, container);
        return target === undefined
          ? []
          : endpointsOf(state, target).filter((one) => one.network === network);
      }),
  );
}

/** Whether questions of a container may leave: not from one that has only internal networks. */
export function mayForward(state: NetworkState, asker: Sandbox): boolean {
  return endpointsOf(state, asker).some(({ network }) => raisedNetwork(state, network)?.internal === false);
}

/** The address that a reverse question asks about; undefined when it is none. */
export function reversedAddress(name: string): string | undefined {
  const version4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (version4 !== null) return version4.slice(1).reverse().join(".");
  const nibbles = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  if (nibbles === undefined) return undefined;
  const digits = nibbles.split(".").reverse().join("");
  return (digits.match(/.{4}/g) ?? []).join(":");
}
