import { labelOf, type NetworkState } from "../network-state.ts";
import type { NetworkView } from "../networks.ts";

/** Who is on what, as plain data. */
export interface GraphView {
  readonly networks: readonly GraphNetwork[];
  readonly published: readonly GraphPort[];
}

export interface GraphNetwork {
  readonly name: string;
  readonly driver: string;
  readonly internal: boolean;
  readonly subnets: readonly string[];
  readonly containers: readonly {
    readonly name: string;
    readonly addresses: readonly string[];
    readonly aliases: readonly string[];
  }[];
}

/** A port of the host that leads to a container. */
export interface GraphPort {
  readonly container: string;
  readonly host: string;
  readonly containerPort: number;
  readonly protocol: string;
}

/** Networks that nobody is on are left out, except the user's. */
export function networkGraph(views: readonly NetworkView[], state: NetworkState): GraphView {
  const networks = views
    .filter(
      ({ members, id, driver }) =>
        members.length > 0 || (driver !== "host" && driver !== "null" && id !== views[0]?.id),
    )
    .map(
      (view): GraphNetwork => ({
        name: view.name,
        driver: view.driver,
        internal: view.internal,
        subnets: view.subnets.map(({ subnet }) => subnet),
        containers: view.members.map(({ name, facts }) => ({
          name,
          addresses: [facts.address ?? [], facts.address6 ?? []].flat(),
          aliases: facts.aliases,
        })),
      }),
    );
  const published = state.sandboxes.flatMap((sandbox) =>
    sandbox.ports.map(
      ({ hostAddress = "0.0.0.0", hostPort, containerPort, protocol }): GraphPort => ({
        container: labelOf(sandbox),
        host: `${hostAddress.includes(":") ? `[${hostAddress}]` : hostAddress}:${hostPort}`,
        containerPort,
        protocol,
      }),
    ),
  );
  return { networks, published };
}
