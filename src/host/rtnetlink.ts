/** Numbers of rtnetlink that links.ts needs. @see rtnetlink(7), include/uapi/linux/{rtnetlink,if_link,if_addr}.h */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  GETADDR: 22,
  NEWROUTE: 24,
  GETROUTE: 26,
} as const;

export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  PROTINFO: 12,
  LINKINFO: 18,
  IFALIAS: 20,
  NET_NS_FD: 28,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
} as const;
export const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
export const VETH_INFO_PEER = 1;
export const IFLA_BRPORT = { MODE: 4, ISOLATED: 33 } as const;
export const IFLA_MACVLAN_MODE = 1;
export const IFLA_IPVLAN_MODE = 1;
export const IFLA_VLAN_ID = 1;
/** `enum macvlan_mode`, `enum ipvlan_mode`. */
export const sublinkModes: Readonly<Record<string, number>> = {
  private: 1,
  vepa: 2,
  bridge: 4,
  passthru: 8,
  l2: 0,
  l3: 1,
  l3s: 2,
};
export const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8 } as const;
export const IFA_F_NODAD = 0x02;
export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, MULTIPATH: 9, TABLE: 15 } as const;
export const RT_TABLE = { MAIN: 254, LOCAL: 255 } as const;
export const RTPROT_BOOT = 3;
export const RT_SCOPE = { UNIVERSE: 0, LINK: 253 } as const;
export const RTN_UNICAST = 1;
export const AF = { UNSPEC: 0, INET: 2, BRIDGE: 7, INET6: 10 } as const;
export const IFF_UP = 1;

/** `struct ifinfomsg`. Flags set are also the ones changed. */
export function linkHeader(options: { family?: number; index?: number; flags?: number } = {}): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt8(options.family ?? AF.UNSPEC, 0);
  header.writeInt32LE(options.index ?? 0, 4);
  header.writeUInt32LE(options.flags ?? 0, 8);
  header.writeUInt32LE(options.flags ?? 0, 12);
  return header;
}

/** `struct ifaddrmsg`. */
export function addressHeader(options: { family: number; prefix: number; index: number }): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(options.family, 0);
  header.writeUInt8(options.prefix, 1);
  header.writeUInt32LE(options.index, 4);
  return header;
}

/** `struct rtmsg` of a unicast route in the main table. */
export function routeHeader(options: { family: number; prefix: number; scope: number }): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(options.family, 0);
  header.writeUInt8(options.prefix, 1);
  header.writeUInt8(RT_TABLE.MAIN, 4);
  header.writeUInt8(RTPROT_BOOT, 5);
  header.writeUInt8(options.scope, 6);
  header.writeUInt8(RTN_UNICAST, 7);
  return header;
}
