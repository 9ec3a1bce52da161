import type { ContainerRecord } from "#container";

export type Ports = ContainerRecord["network"]["ports"];

/** Those that are published, and of a container that has a network those that its image exposes. */
export function portsOf({ network, state, exposedPorts }: ContainerRecord): Ports {
  if (state.status !== "running" && state.status !== "paused") return [];
  const { published = [], endpoints = [] } = network;
  if (endpoints.length === 0) return published;
  const exposed = exposedPorts
    .map(readPort)
    .filter(
      (port) =>
        !published.some((one) => one.containerPort === port.containerPort && one.protocol === port.protocol),
    );
  return [...published, ...exposed];
}

/** `80/tcp`, as a record has it. */
function readPort(text: string): Ports[number] {
  const [port = "", protocol = "tcp"] = text.split("/");
  return { containerPort: Number(port), protocol: protocol as Ports[number]["protocol"] };
}

/** Docker's column: neighbours that are published at their own number stand as one range, `0.0.0.0:80-81->80-81/tcp`. */
export function portsText(ports: Ports): string {
  const groups = new Map<string, { first: number; last: number }>();
  const [ranges, others]: [string[], string[]] = [[], []];
  for (const port of ports.toSorted(byNumber)) {
    const { containerPort: number, hostPort, protocol } = port;
    if (hostPort !== undefined && hostPort !== number) {
      others.push(`${address(port)}:${hostPort}->${number}/${protocol}`);
      continue;
    }
    const key = hostPort === undefined ? `/${protocol}` : `${address(port)}/${protocol}`;
    const group = groups.get(key);
    if (group?.last === number - 1) group.last = number;
    else {
      if (group !== undefined) ranges.push(rangeText(key, group));
      groups.set(key, { first: number, last: number });
    }
  }
  return [...ranges, ...[...groups].map(([key, group]) => rangeText(key, group)), ...others].join(", ");
}

/** The order of docker's listings: by the container's port, then the address. */
export function byNumber(a: Ports[number], b: Ports[number]): number {
  const [left, right] = [a.hostAddress ?? "", b.hostAddress ?? ""];
  const byAddress = left < right ? -1 : Number(left > right);
  return a.containerPort - b.containerPort || byAddress || (a.hostPort ?? 0) - (b.hostPort ?? 0);
}

/** An address of IPv6 stands in brackets before a port. */
export function address({ hostAddress = "0.0.0.0" }: Ports[number]): string {
  return hostAddress.includes(":") ? `[${hostAddress}]` : hostAddress;
}

function rangeText(key: string, { first, last }: { readonly first: number; readonly last: number }): string {
  const [at = "", protocol] = key.split("/");
  const range = first === last ? `${first}` : `${first}-${last}`;
  return at === "" ? `${range}/${protocol}` : `${at}:${range}->${range}/${protocol}`;
}
