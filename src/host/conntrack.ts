import { decodeAttributes, nestedAttribute } from "./netlink.ts";
import { NetlinkSocket, netlinkProtocol } from "./netlink-socket.ts";
import type { Sys } from "./sys.ts";
import { errnoOf } from "./system-error.ts";

// include/uapi/linux/netfilter/nfnetlink_conntrack.h
const SUBSYSTEM = 1 << 8;
const IPCTNL_MSG_CT_GET = SUBSYSTEM | 1;
const IPCTNL_MSG_CT_DELETE = SUBSYSTEM | 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;
const AF_INET = 2;
const familyHeader = Buffer.from([AF_INET, 0, 0, 0]);
const protocolNumber = { tcp: 6, udp: 17 } as const;

/**
 * Makes the kernel forget the IPv4 connections that were opened to a port, so that their next packet is judged by the rules
 * of now. Returns how many; a flow that ends meanwhile is none.
 */
export function forgetFlows(
  sys: Sys,
  flow: { readonly protocol: "tcp" | "udp"; readonly port: number },
): number {
  using socket = new NetlinkSocket(sys, netlinkProtocol.NETFILTER);
  const listing = { verb: "list", object: "connections", capability: "CAP_NET_ADMIN" } as const;
  const tuples = socket
    .dump({ type: IPCTNL_MSG_CT_GET, parts: [familyHeader] }, listing)
    .flatMap(({ body }) => decodeAttributes(body.subarray(familyHeader.length)).get(CTA_TUPLE_ORIG) ?? [])
    .filter((tuple) => isFlow(tuple, flow));
  return tuples.filter((tuple) => forget(socket, tuple)).length;
}

function isFlow(tuple: Buffer, flow: { readonly protocol: "tcp" | "udp"; readonly port: number }): boolean {
  const protocol = decodeAttributes(decodeAttributes(tuple).get(CTA_TUPLE_PROTO) ?? Buffer.alloc(0));
  return (
    protocol.get(CTA_PROTO_NUM)?.[0] === protocolNumber[flow.protocol] &&
    protocol.get(CTA_PROTO_DST_PORT)?.readUInt16BE(0) === flow.port
  );
}

function forget(socket: NetlinkSocket, tuple: Buffer): boolean {
  const parts = [familyHeader, nestedAttribute(CTA_TUPLE_ORIG, [tuple])];
  try {
    socket.change({ type: IPCTNL_MSG_CT_DELETE, parts }, { verb: "forget", object: "connection" });
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
