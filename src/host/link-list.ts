import type { Link, Links } from "./host.ts";
import { decodeAddress } from "./internet-address.ts";
import { attributeText, decodeAttributes, type NetlinkMessage, textAttribute } from "./netlink.ts";
import type { NetlinkSocket } from "./netlink-socket.ts";
import {
  AF,
  addressHeader,
  IFA,
  IFF_UP,
  IFLA,
  IFLA_INFO,
  linkHeader,
  RT_TABLE,
  RTA,
  RTM,
  RTN_UNICAST,
} from "./rtnetlink.ts";
import { errnoOf } from "./system-error.ts";

type Route = ReturnType<Links["routes"]>[number];

const linkHeaderBytes = 16;
const addressHeaderBytes = 8;
const routeHeaderBytes = 12;

/** The interfaces of the socket's namespace with their addresses (`172.17.0.1/16`). */
export function listLinks(socket: NetlinkSocket): Link[] {
  const addresses = listAddresses(socket);
  return dumpLinks(socket).map((message) => readLink(message, addresses));
}

/** One interface by name; undefined when there is none. */
export function findLink(socket: NetlinkSocket, name: string): Link | undefined {
  const parts = [linkHeader(), textAttribute(IFLA.IFNAME, name)];
  try {
    const message = socket.get({ type: RTM.GETLINK, parts }, { verb: "find link", object: name });
    return message && readLink(message, listAddresses(socket, indexOf(message)));
  } catch (error) {
    if (errnoOf(error) === "ENODEV") return undefined;
    throw error;
  }
}

/** Unicast routes of IPv4 and IPv6, of all tables but the one that holds the host's own addresses. */
export function listRoutes(socket: NetlinkSocket): Route[] {
  const names = new Map(dumpLinks(socket).map((message) => [indexOf(message), nameOf(message)]));
  return [AF.INET, AF.INET6].flatMap((family) => {
    const header = Buffer.alloc(routeHeaderBytes);
    header.writeUInt8(family);
    return socket
      .dump({ type: RTM.GETROUTE, parts: [header] }, listing("routes"))
      .flatMap((message) => readRoute(message, names) ?? []);
  });
}

function listAddresses(socket: NetlinkSocket, index = 0): ReadonlyMap<number, readonly string[]> {
  const addresses = new Map<number, string[]>();
  const header = addressHeader({ family: AF.UNSPEC, prefix: 0, index });
  for (const message of socket.dump({ type: RTM.GETADDR, parts: [header] }, listing("addresses"))) {
    const { index: of, cidr } = readAddress(message);
    if (cidr !== undefined) addresses.set(of, [...(addresses.get(of) ?? []), cidr]);
  }
  return addresses;
}

function dumpLinks(socket: NetlinkSocket): NetlinkMessage[] {
  return socket.dump({ type: RTM.GETLINK, parts: [linkHeader()] }, listing("links"));
}

function readAddress(message: NetlinkMessage): { index: number; cidr: string | undefined } {
  const attributes = decodeAttributes(message.body.subarray(addressHeaderBytes));
  const bytes = attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS);
  const cidr = bytes === undefined ? undefined : `${decodeAddress(bytes)}/${message.body.readUInt8(1)}`;
  return { index: message.body.readUInt32LE(4), cidr };
}

function readLink(message: NetlinkMessage, addresses: ReadonlyMap<number, readonly string[]>): Link {
  const attributes = decodeAttributes(message.body.subarray(linkHeaderBytes));
  const info = attributes.get(IFLA.LINKINFO);
  const kind = info === undefined ? undefined : attributeText(decodeAttributes(info).get(IFLA_INFO.KIND));
  const alias = attributeText(attributes.get(IFLA.IFALIAS));
  return {
    index: indexOf(message),
    name: nameOf(message),
    ...(kind === undefined ? {} : { kind }),
    ...(alias === undefined ? {} : { alias }),
    mac: [...(attributes.get(IFLA.ADDRESS) ?? [])]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join(":"),
    up: (message.body.readUInt32LE(8) & IFF_UP) !== 0,
    mtu: attributes.get(IFLA.MTU)?.readUInt32LE(0) ?? 0,
    addresses: addresses.get(indexOf(message)) ?? [],
  };
}

function readRoute(message: NetlinkMessage, names: ReadonlyMap<number, string>): Route | undefined {
  const attributes = decodeAttributes(message.body.subarray(routeHeaderBytes));
  const table = attributes.get(RTA.TABLE)?.readUInt32LE(0) ?? message.body.readUInt8(4);
  const link = names.get(outgoingIndex(attributes) ?? -1);
  if (message.body.readUInt8(7) !== RTN_UNICAST || table === RT_TABLE.LOCAL || link === undefined)
    return undefined;
  const destination = attributes.get(RTA.DST);
  const gateway = attributes.get(RTA.GATEWAY);
  return {
    link,
    ...(destination === undefined
      ? {}
      : { destination: `${decodeAddress(destination)}/${message.body.readUInt8(1)}` }),
    ...(gateway === undefined ? {} : { gateway: decodeAddress(gateway) }),
  };
}

/** Of a route with several next hops, the first one's link. */
function outgoingIndex(attributes: ReadonlyMap<number, Buffer>): number | undefined {
  const hops = attributes.get(RTA.MULTIPATH);
  return (
    attributes.get(RTA.OIF)?.readUInt32LE(0) ?? (hops && hops.length >= 8 ? hops.readInt32LE(4) : undefined)
  );
}

function indexOf(message: NetlinkMessage): number {
  return message.body.readInt32LE(4);
}

function nameOf(message: NetlinkMessage): string {
  return attributeText(decodeAttributes(message.body.subarray(linkHeaderBytes)).get(IFLA.IFNAME)) ?? "";
}

function listing(object: string) {
  return { verb: "list", object };
}
