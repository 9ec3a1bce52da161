import { messageFlag, textAttribute } from "./netlink.ts";
import { NetlinkSocket, netlinkProtocol } from "./netlink-socket.ts";
import type { Sys } from "./sys.ts";
import { type Attempt, errnoOf } from "./system-error.ts";

// include/uapi/linux/netfilter/nfnetlink.h, nf_tables.h
const SUBSYSTEM = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFT_MSG_GETTABLE = (SUBSYSTEM << 8) | 1;
const NFT_MSG_DELTABLE = (SUBSYSTEM << 8) | 2;
const NFTA_TABLE_NAME = 1;
const inet = Buffer.from([1, 0, 0, 0]);
const batch = Buffer.from([0, 0, 0, SUBSYSTEM]);

/** A kernel without nftables has no table; it says what it lacks when one is to be made. */
export function hasTable(sys: Sys, name: string): boolean {
  try {
    using socket = new NetlinkSocket(sys, netlinkProtocol.NETFILTER);
    const attempt = { verb: "find table", object: name };
    return socket.get({ type: NFT_MSG_GETTABLE, parts: parts(name) }, attempt) !== undefined;
  } catch (error) {
    if (["ENOENT", "EINVAL", "ENOTSUP", "EPROTONOSUPPORT"].includes(errnoOf(error) ?? "")) return false;
    throw error;
  }
}

/** Removes a table if there is one. What it returns is closed aside, because whoever closes it last may wait for the kernel. */
export function removeTable(sys: Sys, name: string): { readonly fd: number } & Disposable {
  const attempt: Attempt = { verb: "remove table", object: name, capability: "CAP_NET_ADMIN" };
  const socket = new NetlinkSocket(sys, netlinkProtocol.NETFILTER);
  try {
    socket.changeBatch(
      [
        { type: NFNL_MSG_BATCH_BEGIN, parts: [batch] },
        { type: NFT_MSG_DELTABLE, flags: messageFlag.ACK, parts: parts(name) },
        { type: NFNL_MSG_BATCH_END, parts: [batch] },
      ],
      attempt,
    );
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") {
      socket[Symbol.dispose]();
      throw error;
    }
  }
  return { fd: socket.fd, [Symbol.dispose]: () => socket.closeAside() };
}

function parts(name: string): readonly Uint8Array[] {
  return [inet, textAttribute(NFTA_TABLE_NAME, name)];
}
