import { closeSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Cleanup } from "#base";
import { errnoOf, type Host, type NetworkNamespace } from "#host";

type Sockets = Host["sockets"];

/** One try with real packets. */
export interface Probe {
  readonly from: NetworkNamespace | undefined;
  readonly to: {
    readonly address: string;
    readonly port: number;
    /** For UDP: the socket at which the datagram shows, alone or within its packet. */
    readonly heardAt?: number;
  };
  readonly protocol: "tcp" | "udp";
  /** What should arrive is waited for longer: a busy machine is no firewall. */
  readonly isExpected: boolean;
}

/** Sockets that wait in a namespace for probes. */
export interface Listener {
  readonly tcp: { readonly fd: number; readonly port: number };
  readonly udp: { readonly fd: number; readonly port: number };
}

const patienceMs = { expected: 5000, unexpected: 400 } as const;
const roundMs = 20;
/** A round that took longer counts as this: while the processor was somebody else's no packet was dealt with either. */
const longestRoundMs = 100;
/** A datagram may be lost while a link comes up or a neighbour's machine address is asked for. */
const repeatMs = 150;
const atOnce = 500;

interface Place {
  readonly namespace: NetworkNamespace | undefined;
  readonly version: 4 | 6;
}

/** Opens a TCP and a UDP socket at a free port that no program has. Closed with `undo`. */
export function openListener(sockets: Sockets, place: Place, undo: Cleanup): Listener {
  const open = (protocol: "tcp" | "udp") => {
    const socket = sockets.bind({ ...everywhere(place), protocol, port: 0 });
    undo.defer(() => closeSync(socket.fd));
    return socket;
  };
  return { tcp: open("tcp"), udp: open("udp") };
}

/** Listens at a published port of a container for which no program does. */
export function standIn(sockets: Sockets, place: Place & { readonly port: number }, undo: Cleanup): void {
  try {
    const { fd } = sockets.bind({ ...everywhere(place), protocol: "tcp", port: place.port });
    undo.defer(() => closeSync(fd));
  } catch (error) {
    // The container's own program listens, which is as good.
    if (errnoOf(error) !== "EADDRINUSE") throw error;
  }
}

/** A socket that hears all datagrams of the place, so that it does not matter which program has their port. */
export function overhear(sockets: Sockets, place: Place, undo: Cleanup): number {
  const { fd } = sockets.bind({ ...everywhere(place), protocol: "udp", port: 0, overhears: true });
  undo.defer(() => closeSync(fd));
  return fd;
}

function everywhere({ namespace, version }: Place) {
  return { ...(namespace === undefined ? {} : { namespace }), address: version === 4 ? "0.0.0.0" : "::" };
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
  let repeats = 0;
  for (let waitedMs = 0; sent.isPendingAfter(waitedMs); ) {
    const beganMs = performance.now();
    await delay(roundMs);
    if (Math.floor(waitedMs / repeatMs) > repeats) repeats = sent.repeat(repeats);
    sent.look();
    waitedMs += Math.min(performance.now() - beganMs, longestRoundMs);
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

  isPendingAfter(waitedMs: number): boolean {
    const isWaited = ({ isExpected }: Probe): boolean =>
      waitedMs < patienceMs[isExpected ? "expected" : "unexpected"];
    return this.#probes.some((probe, at) => this.#isDone[at] === false && isWaited(probe));
  }

  /** Sends datagrams that did not arrive again. */
  repeat(times: number): number {
    for (const [at, { protocol }] of this.#probes.entries()) {
      if (protocol !== "udp" || this.#isDone[at] === true) continue;
      try {
        writeSync(this.#fds[at] ?? -1, tokenOf(this.#base + at));
      } catch {
        // Refused on the way, which is an outcome too.
      }
    }
    return times + 1;
  }

  look(): void {
    for (const [at, probe] of this.#probes.entries()) {
      if (this.#isDone[at] === true) continue;
      if (probe.protocol === "tcp") this.#lookTcp(at);
      else if (probe.to.heardAt !== undefined) this.#readUdp(probe.to.heardAt);
    }
  }

  /** There is a listener at every goal: a refusal comes from somebody on the way. */
  #lookTcp(at: number): void {
    const outcome = this.#sockets.outcome(this.#fds[at] ?? -1);
    if (outcome === "pending") return;
    this.#isDone[at] = true;
    this.arrived[at] = outcome === "connected";
  }

  #readUdp(fd: number): void {
    for (let data = this.#sockets.receive(fd); data !== undefined; data = this.#sockets.receive(fd)) {
      const token = /lighter probe (\d+)$/.exec(Buffer.from(data).toString("latin1"));
      const at = Number(token?.[1]) - this.#base;
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
