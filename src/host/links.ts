import { readFileSync, writeFileSync } from "node:fs";
import { LighterError } from "#base";
import type { Links, NetworkNamespace } from "./host.ts";
import { broadcastAddress, encodeAddress, encodeCidr } from "./internet-address.ts";
import { findLink, listLinks, listRoutes } from "./link-list.ts";
import { runInNetwork } from "./namespaces.ts";
import {
  attribute,
  messageFlag,
  type NetlinkMessage,
  nestedAttribute,
  numberAttribute,
  textAttribute,
} from "./netlink.ts";
import { NetlinkSocket, netlinkProtocol } from "./netlink-socket.ts";
import {
  AF,
  addressHeader,
  IFA,
  IFA_F_NODAD,
  IFF_UP,
  IFLA,
  IFLA_BRPORT,
  IFLA_INFO,
  IFLA_IPVLAN_MODE,
  IFLA_MACVLAN_MODE,
  IFLA_VLAN_ID,
  linkHeader,
  RT_SCOPE,
  RTA,
  RTM,
  routeHeader,
  sublinkModes,
  VETH_INFO_PEER,
} from "./rtnetlink.ts";
import type { Sys } from "./sys.ts";
import { type Attempt, errnoOf, fileError } from "./system-error.ts";

/** Interfaces, addresses and routes through rtnetlink sockets of this process. */
export function createLinks(sys: Sys): Links {
  const within = <T>(namespace: NetworkNamespace | undefined, action: (socket: NetlinkSocket) => T): T =>
    runInNetwork(sys, namespace, () => {
      using socket = new NetlinkSocket(sys, netlinkProtocol.ROUTE);
      return action(socket);
    });
  return {
    list: (namespace) => within(namespace, listLinks),
    find: (name, namespace) => within(namespace, (socket) => findLink(socket, name)),
    routes: (namespace) => within(namespace, listRoutes),
    createBridge: (name, options) => within(undefined, (socket) => createBridge(socket, name, options)),
    createVeth: (options) => within(undefined, (socket) => createVeth(socket, options)),
    requireKind: (kind) => within(undefined, (socket) => requireKind(socket, kind)),
    createSublink: (options) => within(undefined, (socket) => createSublink(socket, options)),
    createVlan: (options) => within(undefined, (socket) => createVlan(socket, options)),
    setUp: (name, namespace) => within(namespace, (socket) => setUp(socket, name)),
    remove: (name, namespace) => {
      const socket = runInNetwork(sys, namespace, () => new NetlinkSocket(sys, netlinkProtocol.ROUTE));
      return remove(socket, name);
    },
    addAddress: (name, cidr, namespace) => within(namespace, (socket) => addAddress(socket, name, cidr)),
    addRoute: (route, namespace) => within(namespace, (socket) => addRoute(socket, route)),
    getSetting: (name, namespace) => runInNetwork(sys, namespace, () => getSetting(name)),
    setSetting: (name, value, namespace) => runInNetwork(sys, namespace, () => setSetting(name, value)),
  };
}

function createBridge(
  socket: NetlinkSocket,
  name: string,
  options: Parameters<Links["createBridge"]>[1],
): void {
  const attempt = attemptTo("create", name);
  socket.change(
    {
      type: RTM.NEWLINK,
      flags: messageFlag.CREATE | messageFlag.EXCL,
      parts: [
        linkHeader(),
        textAttribute(IFLA.IFNAME, name),
        ...addressAndMtu(options),
        nestedAttribute(IFLA.LINKINFO, [textAttribute(IFLA_INFO.KIND, "bridge")]),
      ],
    },
    attempt,
  );
  // The kernel takes an alias only for a link that exists.
  if (options.alias !== undefined) setAlias(socket, name, options.alias);
}

function setAlias(socket: NetlinkSocket, name: string, alias: string): void {
  const parts = [linkHeader(), textAttribute(IFLA.IFNAME, name), attribute(IFLA.IFALIAS, Buffer.from(alias))];
  socket.change({ type: RTM.SETLINK, parts }, attemptTo("name", name));
}

/** What a pair uses anyhow: asked for more, the kernel makes one for each processor and takes them back, a grace period each. */
const oneQueue = [numberAttribute(IFLA.NUM_TX_QUEUES, 1), numberAttribute(IFLA.NUM_RX_QUEUES, 1)];

function createVeth(socket: NetlinkSocket, options: Parameters<Links["createVeth"]>[0]): void {
  const master =
    options.bridge === undefined ? [] : [numberAttribute(IFLA.MASTER, indexOf(socket, options.bridge))];
  const mtu = options.mtu === undefined ? {} : { mtu: options.mtu };
  const peer = [
    linkHeader(),
    textAttribute(IFLA.IFNAME, options.peer),
    numberAttribute(IFLA.NET_NS_FD, options.peerNamespace.fd),
    ...oneQueue,
    ...addressAndMtu({ ...mtu, ...(options.peerMac === undefined ? {} : { mac: options.peerMac }) }),
  ];
  socket.change(
    {
      type: RTM.NEWLINK,
      flags: messageFlag.CREATE | messageFlag.EXCL,
      parts: [
        linkHeader({ flags: IFF_UP }),
        textAttribute(IFLA.IFNAME, options.name),
        ...oneQueue,
        ...addressAndMtu(mtu),
        ...master,
        nestedAttribute(IFLA.LINKINFO, [
          textAttribute(IFLA_INFO.KIND, "veth"),
          nestedAttribute(IFLA_INFO.DATA, [nestedAttribute(VETH_INFO_PEER, peer)]),
        ]),
      ],
    },
    attemptTo("create", options.name),
  );
  if (options.bridge !== undefined) setPortModes(socket, options);
}

/**
 * Hairpin lets a frame go back out of the bridge port it came from: a container that reaches itself by a published port.
 * Isolated ports are kept apart by the bridge itself, whether or not bridged packets pass the firewall.
 */
function setPortModes(socket: NetlinkSocket, options: Parameters<Links["createVeth"]>[0]): void {
  const modes = [
    ...(options.hairpin === true ? [attribute(IFLA_BRPORT.MODE, Buffer.from([1]))] : []),
    ...(options.isolated === true ? [attribute(IFLA_BRPORT.ISOLATED, Buffer.from([1]))] : []),
  ];
  if (modes.length === 0) return;
  const header = linkHeader({ family: AF.BRIDGE, index: indexOf(socket, options.name) });
  const parts = [header, nestedAttribute(IFLA.PROTINFO, modes)];
  socket.change({ type: RTM.SETLINK, parts }, attemptTo("set port modes of", options.name));
}

/** Asks for a link without a parent, which cannot be made; a kind that is not known is refused before that is looked at. */
function requireKind(socket: NetlinkSocket, kind: string): void {
  const flags = messageFlag.CREATE | messageFlag.EXCL;
  const parts = [linkHeader(), nestedAttribute(IFLA.LINKINFO, [textAttribute(IFLA_INFO.KIND, kind)])];
  try {
    socket.change({ type: RTM.NEWLINK, flags, parts }, attemptTo("probe", kind));
  } catch (error) {
    if (errnoOf(error) === "ENOTSUP") throw kindMissing(kind, error);
  }
}

function kindMissing(kind: string, cause: unknown): LighterError {
  return new LighterError(
    "KERNEL_UNSUPPORTED",
    `cannot create a link of kind "${kind}": this kernel has none; load its module or choose another driver`,
    { details: { kind }, cause },
  );
}

function createSublink(socket: NetlinkSocket, options: Parameters<Links["createSublink"]>[0]): void {
  const mode = Buffer.alloc(options.kind === "macvlan" ? 4 : 2);
  mode.writeUInt16LE(sublinkModes[options.mode] ?? 0);
  const type = options.kind === "macvlan" ? IFLA_MACVLAN_MODE : IFLA_IPVLAN_MODE;
  const { mac, mtu } = options;
  createOnParent(socket, options, [
    numberAttribute(IFLA.NET_NS_FD, options.namespace.fd),
    ...addressAndMtu({ ...(mac === undefined ? {} : { mac }), ...(mtu === undefined ? {} : { mtu }) }),
    nestedAttribute(IFLA.LINKINFO, [
      textAttribute(IFLA_INFO.KIND, options.kind),
      nestedAttribute(IFLA_INFO.DATA, [attribute(type, mode)]),
    ]),
  ]);
}

function createVlan(socket: NetlinkSocket, options: Parameters<Links["createVlan"]>[0]): void {
  const id = Buffer.alloc(2);
  id.writeUInt16LE(options.id);
  createOnParent(socket, { ...options, kind: "vlan" }, [
    nestedAttribute(IFLA.LINKINFO, [
      textAttribute(IFLA_INFO.KIND, "vlan"),
      nestedAttribute(IFLA_INFO.DATA, [attribute(IFLA_VLAN_ID, id)]),
    ]),
  ]);
  if (options.alias !== undefined) setAlias(socket, options.name, options.alias);
}

function createOnParent(
  socket: NetlinkSocket,
  link: { readonly name: string; readonly parent: string; readonly kind: string },
  more: readonly Buffer[],
): void {
  const parts = [
    linkHeader(),
    textAttribute(IFLA.IFNAME, link.name),
    numberAttribute(IFLA.LINK, indexOf(socket, link.parent)),
    ...more,
  ];
  try {
    const flags = messageFlag.CREATE | messageFlag.EXCL;
    socket.change({ type: RTM.NEWLINK, flags, parts }, attemptTo("create", link.name));
  } catch (error) {
    if (errnoOf(error) !== "ENOTSUP") throw error;
    throw kindMissing(link.kind, error);
  }
}

function setUp(socket: NetlinkSocket, name: string): void {
  const parts = [linkHeader({ flags: IFF_UP }), textAttribute(IFLA.IFNAME, name)];
  socket.change({ type: RTM.SETLINK, parts }, attemptTo("start", name));
}

async function remove(socket: NetlinkSocket, name: string): Promise<void> {
  using open = socket;
  const parts = [linkHeader(), textAttribute(IFLA.IFNAME, name)];
  await open.changeAside({ type: RTM.DELLINK, parts }, attemptTo("remove", name));
}

function addAddress(socket: NetlinkSocket, name: string, cidr: string): void {
  const address = encodeCidr(cidr);
  const { family, prefix, bytes } = address;
  const extra =
    family === AF.INET
      ? [attribute(IFA.LOCAL, bytes), attribute(IFA.BROADCAST, broadcastAddress(address))]
      : [numberAttribute(IFA.FLAGS, IFA_F_NODAD)];
  const header = addressHeader({ family, prefix, index: indexOf(socket, name) });
  socket.change(
    {
      type: RTM.NEWADDR,
      flags: messageFlag.CREATE | messageFlag.EXCL,
      parts: [header, attribute(IFA.ADDRESS, bytes), ...extra],
    },
    attemptTo(`add address ${cidr} to`, name),
  );
}

function addRoute(socket: NetlinkSocket, route: Parameters<Links["addRoute"]>[0]): void {
  const gateway = route.gateway === undefined ? undefined : encodeAddress(route.gateway);
  const destination = route.destination === undefined ? undefined : encodeCidr(route.destination);
  const scope = gateway === undefined ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE;
  const family = (destination ?? gateway)?.family ?? AF.INET;
  const parts = [
    routeHeader({ family, prefix: destination?.prefix ?? 0, scope }),
    ...(destination === undefined ? [] : [attribute(RTA.DST, destination.bytes)]),
    ...(gateway === undefined ? [] : [attribute(RTA.GATEWAY, gateway.bytes)]),
    ...(route.link === undefined ? [] : [numberAttribute(RTA.OIF, indexOf(socket, route.link))]),
  ];
  socket.change(
    {
      type: RTM.NEWROUTE,
      flags: messageFlag.CREATE | messageFlag[route.replaces ? "REPLACE" : "EXCL"],
      parts,
    },
    attemptTo("add route to", route.destination ?? "default"),
  );
}

// A setting's name comes with slashes, because an interface's name may hold a dot.
function getSetting(name: string): string {
  try {
    return readFileSync(`/proc/sys/${name}`, "utf8").trim();
  } catch (error) {
    throw fileError(error, attemptTo("read setting", name));
  }
}

function setSetting(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/${name}`, value);
  } catch (error) {
    throw fileError(error, attemptTo("change setting", name));
  }
}

function addressAndMtu(options: { readonly mac?: string; readonly mtu?: number }): Buffer[] {
  const mac =
    options.mac === undefined
      ? []
      : [attribute(IFLA.ADDRESS, Buffer.from(options.mac.replaceAll(":", ""), "hex"))];
  return options.mtu === undefined ? mac : [...mac, numberAttribute(IFLA.MTU, options.mtu)];
}

function indexOf(socket: NetlinkSocket, name: string): number {
  const parts = [linkHeader(), textAttribute(IFLA.IFNAME, name)];
  const found: NetlinkMessage | undefined = socket.get(
    { type: RTM.GETLINK, parts },
    attemptTo("find link", name),
  );
  if (found?.type === RTM.NEWLINK) return found.body.readInt32LE(4);
  throw new LighterError(
    "SYSTEM_CALL_FAILED",
    `cannot find link "${name}": the kernel answered something else`,
  );
}

function attemptTo(verb: string, object: string): Attempt {
  return { verb, object, capability: "CAP_NET_ADMIN" };
}
