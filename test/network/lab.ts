import { createSocket } from "node:dgram";
import { closeSync, mkdirSync, mkdtempSync, rmSync, writeSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Cleanup } from "#base";
import { createHost, type Host, type NetworkNamespace } from "#host";
import { createNetworks, type Networks } from "#network";
import type { Attachment, AttachRequest } from "#runtime";
import { runInNetwork } from "../../src/host/namespaces.ts";
import { openSys } from "../../src/host/sys.ts";

const CLONE_NEWNET = 0x40000000;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;

/** Seconds. */
const patience = { expected: 60, unexpected: 1 } as const;

/** Why the suite cannot run here, or undefined. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const { processes } = createHost();
  const absent = ["busybox", "nsenter", "ip"].filter((program) => processes.find(program) === undefined);
  return absent.length === 0 ? undefined : `needs ${absent.join(", ")}`;
}

/**
 * A host of its own: this process moves into an empty network namespace, whose `uplink` (192.0.2.2/24) leads to a neighbour
 * (192.0.2.1). The machine's own network is never touched.
 */
export class Lab implements AsyncDisposable {
  readonly host: Host = createHost();
  readonly neighbour: NetworkNamespace;
  readonly #folder = mkdtempSync(join(tmpdir(), "lighter-network-"));
  readonly #sys = openSys();
  readonly #undo = new Cleanup();

  constructor() {
    if (this.#sys.unshare(CLONE_NEWNET) < 0) throw new Error("cannot leave the machine's network");
    const { links, namespaces } = this.host;
    links.setUp("lo");
    this.neighbour = namespaces.createNetwork();
    links.createVeth({ name: "uplink", peer: "eth0", peerNamespace: this.neighbour });
    links.addAddress("uplink", "192.0.2.2/24");
    links.addAddress("eth0", "192.0.2.1/24", this.neighbour);
    links.setUp("eth0", this.neighbour);
    links.addRoute({ gateway: "192.0.2.1" });
  }

  networks(root = "store", more: Partial<Parameters<typeof createNetworks>[0]> = {}): Networks {
    return createNetworks({ root: this.made(root), host: this.host, ...more });
  }

  /** Answers TCP connections in a namespace with `name` and the client's address. */
  serve(place: NetworkNamespace | Attachment | undefined, name: string, port: number): void {
    const server = createServer((socket) =>
      socket.on("error", () => {}).end(`${name} ${socket.remoteAddress}\n`),
    );
    server.listen({ fd: this.#bound(place, SOCK_STREAM, port) });
    this.#undo.defer(() => new Promise((resolve) => server.close(() => resolve())));
  }

  /** The same over IPv6. */
  serve6(place: NetworkNamespace | Attachment, name: string, port: number): void {
    const namespace = "fd" in place ? place : openNamespace(place);
    const { fd } = this.host.sockets.bind({ namespace, protocol: "tcp", address: "::", port });
    const server = createServer((socket) =>
      socket.on("error", () => {}).end(`${name} ${socket.remoteAddress}\n`),
    );
    server.listen({ fd });
    this.#undo.defer(() => new Promise((resolve) => server.close(() => resolve())));
  }

  /** A TCP server in a namespace. */
  listen(place: NetworkNamespace, port: number, onSocket: (socket: Socket) => void): Disposable {
    const server = createServer((socket) => onSocket(socket.on("error", () => {})));
    server.listen({ fd: this.#bound(place, SOCK_STREAM, port) });
    return { [Symbol.dispose]: () => void server.close() };
  }

  /** Sends from inside a namespace and gives what comes back first. */
  async exchange(
    from: Attachment,
    to: {
      readonly address: string;
      readonly port: number;
      readonly overTcp: boolean;
      readonly patienceMs: number;
    },
    data: Uint8Array,
  ): Promise<Buffer | undefined> {
    const { sockets } = this.host;
    const namespace = openNamespace(from);
    const protocol = to.overTcp ? "tcp" : "udp";
    const datagram = to.overTcp ? {} : { datagram: data };
    const { fd } = sockets.connect({ namespace, protocol, address: to.address, port: to.port, ...datagram });
    const end = Date.now() + to.patienceMs;
    try {
      if (to.overTcp) {
        while (sockets.outcome(fd) === "pending" && Date.now() < end) await delay(2);
        if (sockets.outcome(fd) !== "connected") return undefined;
        writeSync(fd, data);
      }
      for (; Date.now() < end; await delay(2)) {
        const answer = sockets.receive(fd);
        if (answer !== undefined) return Buffer.from(answer);
      }
      return undefined;
    } finally {
      closeSync(fd);
    }
  }

  /** Answers datagrams with `name`. */
  serveUdp(place: NetworkNamespace | Attachment | undefined, name: string, port: number): void {
    const socket = createSocket("udp4", (_, from) => socket.send(`${name}\n`, from.port, from.address));
    socket.bind({ fd: this.#bound(place, SOCK_DGRAM, port) });
    this.#undo.defer(() => new Promise((resolve) => socket.close(resolve)));
  }

  /**
   * What a TCP server answers, or `unreachable`. A first packet that is lost while a link comes up is sent again after a
   * second, and a busy machine needs its time: what should answer is waited for.
   */
  async connect(
    from: { readonly namespacePath?: string | undefined },
    address: string,
    port: number,
    patienceSeconds: number = patience.expected,
  ): Promise<string> {
    const words = ["nc", "-w", String(patienceSeconds), address, String(port)];
    const { stdout } = await this.run(from.namespacePath, words);
    return stdout.toString().trim() || "unreachable";
  }

  /** The same where nobody should answer. */
  async connectInVain(
    from: { readonly namespacePath?: string | undefined },
    address: string,
    port: number,
  ): Promise<string> {
    return await this.connect(from, address, port, patience.unexpected);
  }

  async pings(from: { readonly namespacePath?: string | undefined }, address: string): Promise<boolean> {
    const words = ["ping", "-c", "1", "-W", String(patience.expected), address];
    return (await this.run(from.namespacePath, words)).status === 0;
  }

  async run(namespacePath: string | undefined, args: readonly string[]) {
    const enter = namespacePath === undefined ? [] : [`--net=${namespacePath}`];
    return await this.host.processes.run("nsenter", [...enter, "busybox", ...args], { timeoutMs: 120_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo[Symbol.asyncDispose]();
    this.neighbour[Symbol.dispose]();
    // A resolver that is just ending may still write.
    for (let tries = 0; tries < 100; tries += 1) {
      try {
        return rmSync(this.#folder, { recursive: true, force: true });
      } catch {
        await delay(20);
      }
    }
  }

  /** The directory of a store, made. */
  made(root: string): string {
    const path = join(this.#folder, root);
    mkdirSync(path, { recursive: true });
    return path;
  }

  #bound(place: NetworkNamespace | Attachment | undefined, type: number, port: number): number {
    const namespace = place === undefined || "fd" in place ? place : openNamespace(place);
    const address = Buffer.from([AF_INET, 0, port >> 8, port & 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const bind = this.#sys.declare("int bind(int fd, const void *address, uint32_t size)");
    return runInNetwork(this.#sys, namespace, () => {
      const fd = this.#sys.socket(AF_INET, type, 0);
      if (bind(fd, address, address.length) < 0) throw new Error(`cannot bind port ${port}`);
      return fd;
    });
  }
}

function openNamespace({ namespacePath = "" }: Attachment): NetworkNamespace {
  return { fd: Number(namespacePath.split("/").at(-1)), path: namespacePath, [Symbol.dispose]: () => {} };
}

/** A request with what a test does not care about filled in. */
export function request(containerId: string, more: Partial<AttachRequest> = {}): AttachRequest {
  return { containerId, containerName: containerId, hostname: containerId, network: "bridge", ...more };
}
