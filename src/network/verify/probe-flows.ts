import type { Cleanup } from "#base";
import type { NetworkNamespace } from "#host";
import type { NetworkParts } from "../join-networks.ts";
import type { Flow, PlannedFlow } from "./flow.ts";
import { makeOutside, type Outside } from "./outside.ts";
import { type Listener, openListener, overhear, type Probe, sendProbes, standIn } from "./probe.ts";
import type { Party } from "./reachability.ts";

type Version = Flow["version"];

/** Tries every flow with packets of our own, from the namespace of who sends to the namespace of who is reached. */
export async function probeFlows(
  parts: NetworkParts,
  planned: readonly PlannedFlow[],
  context: { readonly places: ReadonlyMap<string, NetworkNamespace>; readonly undo: Cleanup },
): Promise<readonly Flow[]> {
  const ground = new Ground(parts, context);
  const probes = planned.map((one) => probeFor(one, ground));
  const sent = probes.filter((one) => one !== undefined);
  const arrived = await sendProbes(parts.host.sockets, sent);
  const results = new Map(sent.map((one, at) => [one, arrived[at]]));
  return planned.map(({ flow }, at) => {
    const found = probes[at];
    const observed = found && results.get(found);
    return observed === undefined ? flow : { ...flow, observed };
  });
}

/** Where parties stand and what listens there, each made once. */
class Ground {
  readonly outside: Outside;
  readonly #sockets: NetworkParts["host"]["sockets"];
  readonly #places: ReadonlyMap<string, NetworkNamespace>;
  readonly #undo: Cleanup;
  readonly #made = new Map<string, unknown>();

  constructor(
    parts: NetworkParts,
    { places, undo }: { readonly places: ReadonlyMap<string, NetworkNamespace>; readonly undo: Cleanup },
  ) {
    this.outside = makeOutside(parts, undo);
    this.#sockets = parts.host.sockets;
    this.#places = places;
    this.#undo = undo;
  }

  placeOf(party: Party): NetworkNamespace | undefined {
    if (party.kind === "container") return this.#places.get(party.sandbox.id);
    return party.kind === "outside" ? this.outside.namespace : undefined;
  }

  listenerOf(party: Party, version: Version): Listener {
    return this.#once(`any ${party.name} ${version}`, () =>
      openListener(this.#sockets, { namespace: this.placeOf(party), version }, this.#undo),
    );
  }

  /** Somebody listens at the port, the container's own program or we. */
  standIn(party: Party, port: number, version: Version): void {
    const where = { namespace: this.placeOf(party), port, version };
    this.#once(`tcp ${party.name} ${version} ${port}`, () => standIn(this.#sockets, where, this.#undo));
  }

  overhear(party: Party, version: Version): number {
    return this.#once(`udp ${party.name} ${version}`, () =>
      overhear(this.#sockets, { namespace: this.placeOf(party), version }, this.#undo),
    );
  }

  #once<T>(key: string, make: () => T): T {
    if (!this.#made.has(key)) this.#made.set(key, make());
    return this.#made.get(key) as T;
  }
}

/** Undefined where there is no address to send to, or none that this host's probes can stand for. */
function probeFor(planned: PlannedFlow, ground: Ground): Probe | undefined {
  if (planned.judgement.isElsewhere === true) return undefined;
  return planned.flow.hostPort === undefined
    ? probeAddress(planned, ground)
    : probePublished(planned, ground, planned.flow.hostPort);
}

function probeAddress({ flow, from, to, judgement }: PlannedFlow, ground: Ground): Probe | undefined {
  const { protocol, version, expected: isExpected } = flow;
  const address = to.kind === "outside" ? ground.outside.addresses[version] : judgement.address;
  if (address === undefined) return undefined;
  const { [protocol]: socket } = ground.listenerOf(to, version);
  const heard = protocol === "udp" ? { heardAt: socket.fd } : {};
  return { isExpected, from: ground.placeOf(from), protocol, to: { address, port: socket.port, ...heard } };
}

/** By the host's address on the link to the outside, which everybody can send to, unless the port is at one of its own. */
function probePublished({ flow, from, to, judgement }: PlannedFlow, ground: Ground, port: number): Probe {
  const { protocol, version, expected: isExpected } = flow;
  // ::1 cannot lead anywhere else; from elsewhere 127.0.0.1 is another machine's.
  const loopback = from.kind === "host" && version === 4 ? "127.0.0.1" : undefined;
  const address = judgement.address ?? loopback ?? ground.outside.hostAddresses[version];
  const goal = { address, port };
  const way = { isExpected, from: ground.placeOf(from), protocol };
  if (protocol === "udp") return { ...way, to: { ...goal, heardAt: ground.overhear(to, version) } };
  ground.standIn(to, flow.port ?? 0, version);
  return { ...way, to: goal };
}
