import { closeSync } from "node:fs";
import type { SocketOptions, Sockets } from "./host.ts";
import { encodeAddress } from "./internet-address.ts";
import { runInNetwork } from "./namespaces.ts";
import { AF } from "./rtnetlink.ts";
import type { Sys } from "./sys.ts";
import { systemError } from "./system-error.ts";

const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3, NONBLOCK_CLOEXEC: 0x80800 } as const;
const IPPROTO = { tcp: 6, udp: 17, sctp: 132 } as const;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const MSG_DONTWAIT = 0x40;
const [EINPROGRESS, ECONNREFUSED] = [-115, 111];
const backlog = 128;
const datagramBytes = 65_536;

/** Sockets made inside a network namespace; they stay there, whichever thread uses them. */
export function createSockets(sys: Sys): Sockets {
  const calls = declare(sys);
  return {
    bind: (options) => bind(sys, calls, options),
    connect: (options) => ({ fd: connect(sys, calls, options) }),
    outcome: (fd) => outcome(calls, fd),
    receive: (fd) => receive(calls, fd),
    has: (protocol) => {
      const fd = sys.socket(AF.INET, typeOf(protocol), IPPROTO[protocol]);
      if (fd >= 0) closeSync(fd);
      return fd >= 0;
    },
  };
}

type Calls = ReturnType<typeof declare>;

function declare(sys: Sys) {
  return {
    bind: sys.declare("int bind(int fd, const void *address, uint32_t size)"),
    listen: sys.declare("int listen(int fd, int backlog)"),
    connect: sys.declare("int connect(int fd, const void *address, uint32_t size)"),
    name: sys.declare("int getsockname(int fd, void *address, void *size)"),
    peer: sys.declare("int getpeername(int fd, void *address, void *size)"),
    option: sys.declare("int getsockopt(int fd, int level, int option, void *value, void *size)"),
    setOption: sys.declare("int setsockopt(int fd, int level, int option, const void *value, uint32_t size)"),
    send: sys.declare("long send(int fd, const void *data, size_t size, int flags)"),
    receive: sys.declare("long recv(int fd, void *data, size_t size, int flags)"),
  };
}

function bind(sys: Sys, calls: Calls, options: SocketOptions): { fd: number; port: number } {
  return opened(sys, calls, options, (fd, address) => {
    if (options.protocol !== "udp") set(calls, fd, SOL_SOCKET, SO_REUSEADDR);
    if (options.address.includes(":")) set(calls, fd, IPPROTO_IPV6, IPV6_V6ONLY);
    check(calls.bind(fd, address, address.length), "bind", options);
    if (options.protocol !== "udp") check(calls.listen(fd, backlog), "listen on", options);
    const name = Buffer.alloc(28);
    check(calls.name(fd, name, sizeOf(name)), "name", options);
    return { fd, port: name.readUInt16BE(2) };
  });
}

function connect(
  sys: Sys,
  calls: Calls,
  options: SocketOptions & { readonly datagram?: Uint8Array },
): number {
  return opened(sys, calls, options, (fd, address) => {
    const result = calls.connect(fd, address, address.length);
    // A route that is missing is an outcome like any other; the socket keeps no trace of it, so it stays unconnected.
    if (result < 0 && result !== EINPROGRESS) return fd;
    const { datagram } = options;
    if (datagram !== undefined) calls.send(fd, datagram, datagram.length, MSG_DONTWAIT);
    return fd;
  });
}

/** The socket is made and used inside the namespace: routes are looked up there. */
function opened<T>(
  sys: Sys,
  calls: Calls,
  options: SocketOptions,
  use: (fd: number, address: Buffer) => T,
): T {
  const { family, bytes } = encodeAddress(options.address);
  return runInNetwork(sys, options.namespace, () => {
    const fd = sys.socket(
      family,
      (options.overhears === true ? SOCK.RAW : typeOf(options.protocol)) | SOCK.NONBLOCK_CLOEXEC,
      IPPROTO[options.protocol],
    );
    check(fd, "open", options);
    try {
      return use(fd, socketAddress(family, bytes, options.port));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  });
}

function outcome(calls: Calls, fd: number): ReturnType<Sockets["outcome"]> {
  const value = Buffer.alloc(4);
  calls.option(fd, SOL_SOCKET, SO_ERROR, value, sizeOf(value));
  const error = value.readInt32LE(0);
  if (error === ECONNREFUSED) return "refused";
  if (error !== 0) return "unreachable";
  const peer = Buffer.alloc(28);
  return calls.peer(fd, peer, sizeOf(peer)) >= 0 ? "connected" : "pending";
}

function receive(calls: Calls, fd: number): Uint8Array | undefined {
  const data = Buffer.alloc(datagramBytes);
  const length = calls.receive(fd, data, data.length, MSG_DONTWAIT);
  return length < 0 ? undefined : data.subarray(0, length);
}

function set(calls: Calls, fd: number, level: number, option: number): void {
  const on = Buffer.alloc(4);
  on.writeInt32LE(1);
  calls.setOption(fd, level, option, on, on.length);
}

function check(result: number, verb: string, { protocol, address, port }: SocketOptions): void {
  if (result < 0) throw systemError(result, { verb, object: `${protocol} ${address} port ${port}` });
}

/** `struct sockaddr_in` or `struct sockaddr_in6`. */
function socketAddress(family: number, bytes: Buffer, port: number): Buffer {
  const address = Buffer.alloc(family === AF.INET ? 16 : 28);
  address.writeUInt16LE(family, 0);
  address.writeUInt16BE(port, 2);
  bytes.copy(address, family === AF.INET ? 4 : 8);
  return address;
}

function sizeOf(memory: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(memory.length);
  return size;
}

function typeOf(protocol: SocketOptions["protocol"]): number {
  return protocol === "udp" ? SOCK.DGRAM : SOCK.STREAM;
}
