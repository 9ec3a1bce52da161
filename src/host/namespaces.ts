import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import type { Namespaces, NetworkNamespace } from "./host.ts";
import type { Sys } from "./sys.ts";
import { type Attempt, fileError, systemError } from "./system-error.ts";

const CLONE_NEWNET = 0x40000000;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0x80002;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
const ownNetwork = "/proc/thread-self/ns/net";

/** Network namespaces, made and entered on the calling thread. */
export function createNamespaces(sys: Sys): Namespaces {
  return {
    createNetwork: () => namespaceOf(createNetwork(sys)),
    openNetwork: (pid) => namespaceOf(open(`/proc/${pid}/ns/net`)),
    openUser: (pid) => namespaceOf(open(`/proc/${pid}/ns/user`)),
    openNetworkAt: (path) => namespaceOf(open(path)),
    networkInode: (namespace) =>
      (namespace === undefined ? statSync(ownNetwork) : fstatSync(namespace.fd)).ino,
    within: (namespace, task) => runInNetwork(sys, namespace, task),
  };
}

/**
 * Runs a synchronous function on this thread inside a network namespace and comes back, whatever happens.
 * Sockets that it opens stay in that namespace.
 */
export function runInNetwork<T>(sys: Sys, namespace: NetworkNamespace | undefined, task: () => T): T {
  if (namespace === undefined) return task();
  const attempt = { verb: "enter", object: namespace.path, capability: "CAP_SYS_ADMIN" } as const;
  return aside(sys, { leave: () => sys.setns(namespace.fd, CLONE_NEWNET), attempt }, task);
}

function createNetwork(sys: Sys): number {
  const attempt = { verb: "make", object: "a network namespace", capability: "CAP_SYS_ADMIN" } as const;
  return aside(sys, { leave: () => sys.unshare(CLONE_NEWNET), attempt }, () => {
    raiseLoopback(sys);
    return open(ownNetwork);
  });
}

interface Departure {
  readonly leave: () => number;
  readonly attempt: Attempt;
}

function aside<T>(sys: Sys, { leave, attempt }: Departure, task: () => T): T {
  const home = open(ownNetwork);
  try {
    const left = leave();
    if (left < 0) throw systemError(left, attempt);
    return comingBack(sys, home, task);
  } finally {
    closeSync(home);
  }
}

function comingBack<T>(sys: Sys, home: number, task: () => T): T {
  try {
    return task();
  } finally {
    returnTo(sys, home);
  }
}

/** A thread left in a foreign network would do the host's work there: that is worse than any failure of the task. */
function returnTo(sys: Sys, home: number): void {
  const result = sys.setns(home, CLONE_NEWNET);
  if (result < 0) throw systemError(result, { verb: "return to", object: "the network of the host" });
}

function raiseLoopback(sys: Sys): void {
  const socket = sys.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (socket < 0) throw systemError(socket, { verb: "open", object: "a socket" });
  try {
    const request = Buffer.alloc(40);
    request.write("lo", 0, "latin1");
    request.writeInt16LE(IFF_UP, 16);
    const result = sys.ioctl(socket, SIOCSIFFLAGS, request);
    if (result < 0)
      throw systemError(result, { verb: "bring up", object: "lo", capability: "CAP_NET_ADMIN" });
  } finally {
    closeSync(socket);
  }
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw fileError(error, { verb: "open", object: path });
  }
}

function namespaceOf(fd: number): NetworkNamespace {
  let isOpen = true;
  return {
    fd,
    path: `/proc/${process.pid}/fd/${fd}`,
    [Symbol.dispose]() {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}
