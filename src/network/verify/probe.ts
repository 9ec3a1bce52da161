import { closeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Cleanup } from "#base";
import type { Host, NetworkNamespace } from "#host";

type Sockets = Host["sockets"];

/** One try with real packets. */
export interface Probe {
  readonly from: NetworkNamespace | undefined;
  readonly to: { readonly address: string; readonly port: number } & (
    | { readonly listener: Listener }
    | { readonly listener?: never }
  );
  readonly protocol: "tcp" | "udp";
}

/** Sockets that wait in a namespace for probes. */
export interface Listener {
  readonly tcp: { readonly fd: number; readonly port: number };
  readonly udp: { readonly fd: number; readonly port: number };
}

const patienceMs = 400;
const roundMs = 20;
const atOnce = 500;

/** Opens a TCP and a UDP socket at a free port that no program has. Closed with `undo`. */
export function openListener(
  sockets: Sockets,
  namespace: NetworkNamespace | undefined,
  undo: Cleanup,
): Listener {
  const open = (protocol: "tcp" | "udp") => {
    const where = namespace === undefined ? {} : { namespace };
    const socket = sockets.bind({ ...where, protocol, address: "0.0.0.0", port: 0 });
    undo.defer(() => closeSync(socket.fd));
    return socket;
  };
  return { tcp: open("tcp"), udp: open("udp") };
}

/** Sends every probe and tells, in the same order, which arrived. */
export async function sendProbes(sockets: Sockets, probes: readonly Probe[]): Promise<readonly boolean[]> {
  const arrived: boolean[] = [];
  for (let at = 0; at < probes.length; at += atOnce)
    arrived.push(...(await sendSome(sockets, probes.slice(at, at + atOnce), at)));
  return arrived;
}

async function sendSome(
  sockets: Sockets,
  probes: readonly Probe[],
  base: number,
): Promise<readonly boolean[]> {
  using sent = new OpenProbes(sockets, probes, base);
  for (let waitedMs = 0; waitedMs < patienceMs && sent.isPending; waitedMs += roundMs) {
    await delay(roundMs);
    sent.look();
  }
  return sent.arrived;
}

class OpenProbes implements Disposable {
  readonly arrived: boolean[];
  readonly #sockets: Sockets;
  readonly #probes: readonly Probe[];
  readonly #base: number;
  readonly #fds: readonly number[];
  readonly #isDone: boolean[];

  constructor(sockets: Sockets, probes: readonly Probe[], base: number) {
    this.#sockets = sockets;
    this.#probes = probes;
    this.#base = base;
    this.arrived = probes.map(() => false);
    this.#isDone = probes.map(() => false);
    this.#fds = probes.map(({ from, to, protocol }, at) => {
      const where = from === undefined ? {} : { namespace: from };
      const datagram = protocol === "udp" ? { datagram: tokenOf(base + at) } : {};
      const { fd } = sockets.connect({ ...where, protocol, address: to.address, port: to.port, ...datagram });
      return fd;
    });
  }

  get isPending(): boolean {
    return this.#isDone.includes(false);
  }

  look(): void {
    for (const [at, probe] of this.#probes.entries()) {
      if (this.#isDone[at] === true) continue;
      if (probe.protocol === "tcp") this.#lookTcp(at);
      else if (probe.to.listener !== undefined) this.#readUdp(probe.to.listener);
    }
  }

  /** A refusal by the container itself shows that the packet arrived: nobody listens there. */
  #lookTcp(at: number): void {
    const outcome = this.#sockets.outcome(this.#fds[at] ?? -1);
    if (outcome === "pending") return;
    this.#isDone[at] = true;
    this.arrived[at] = outcome === "connected" || outcome === "refused";
  }

  #readUdp({ udp }: Listener): void {
    for (let data = this.#sockets.receive(udp.fd); data !== undefined; data = this.#sockets.receive(udp.fd)) {
      const at =
        Number(
          Buffer.from(data)
            .toString("latin1")
            .replace(/^lighter probe /, ""),
        ) - this.#base;
      if (this.#isDone[at] === undefined) continue;
      this.#isDone[at] = true;
      this.arrived[at] = true;
    }
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}

function tokenOf(number: number): Buffer {
  return Buffer.from(`lighter probe ${number}`, "latin1");
}
