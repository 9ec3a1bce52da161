import type { Host, Link } from "#host";
import { chooseSubnet, defaultPools, findOverlap, localPools6 } from "./ipam.ts";
import type { Network } from "./network-record.ts";

/** A VPN covers the world with two halves of it: a route as wide as that says no more than a default route. */
const widestPrefix = 8;
const largestMtu = 1500;

type Route = ReturnType<Host["links"]["routes"]>[number];

/** What the host reaches already, which a new subnet must not hide. */
export interface HostNetworks {
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
  /** Addresses of other links, up or not, and routes, with the link that has them. */
  readonly reached: readonly { readonly subnet: string; readonly link: string }[];
}

export function readHostNetworks(links: Host["links"], isOwn: (link: Link) => boolean): HostNetworks {
  const all = links.list();
  const routes = links.routes();
  const foreign = all.filter((link) => !isOwn(link));
  const names = new Set(foreign.map(({ name }) => name));
  const addresses = foreign.flatMap((link) =>
    link.addresses.map((address) => ({ subnet: address, link: link.name })),
  );
  const destinations = routes.flatMap(({ link, destination }) =>
    names.has(link) && destination !== undefined && Number(destination.split("/")[1]) >= widestPrefix
      ? [{ subnet: destination, link }]
      : [],
  );
  return { links: all, routes, reached: [...addresses, ...destinations] };
}

/** A subnet that overlaps neither what the host reaches nor another network of the store. */
export function freeSubnet(
  version: 4 | 6,
  context: {
    readonly reached: HostNetworks["reached"];
    readonly networks: readonly Network[];
    /** Asked for by version 6 only. */
    readonly globalId: () => string;
    readonly pools?: readonly string[];
  },
): string {
  const used = [
    ...context.reached.map(({ subnet }) => subnet),
    ...context.networks.flatMap(({ subnets }) => subnets.map(({ subnet }) => subnet)),
  ];
  return chooseSubnet(
    used,
    version === 4 ? (context.pools ?? defaultPools) : localPools6(context.globalId()),
  );
}

/** Who has a subnet already, in words; undefined when it is free. */
export function describeOverlap(
  subnet: string,
  context: { readonly reached: HostNetworks["reached"]; readonly networks: readonly Network[] },
): string | undefined {
  for (const network of context.networks) {
    const theirs = findOverlap(
      subnet,
      network.subnets.map((one) => one.subnet),
    );
    if (theirs !== undefined) return `subnet ${subnet} overlaps ${theirs} of network "${network.name}"`;
  }
  const reached = context.reached.find((one) => findOverlap(subnet, [one.subnet]) !== undefined);
  return reached === undefined
    ? undefined
    : `subnet ${subnet} overlaps ${reached.subnet}, which this host reaches by ${reached.link}`;
}

/** The way out sets the size: packets larger than it takes would be lost where ICMP is filtered. */
export function mtuOf({ links, routes }: Pick<HostNetworks, "links" | "routes">): number {
  const way = routes.find(({ destination }) => destination === undefined)?.link;
  return Math.min(largestMtu, links.find(({ name }) => name === way)?.mtu ?? largestMtu);
}
