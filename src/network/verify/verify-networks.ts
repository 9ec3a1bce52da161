import { readFileSync } from "node:fs";
import { Cleanup } from "#base";
import type { NetworkNamespace } from "#host";
import { openSandbox } from "../connect-container.ts";
import type { NetworkParts } from "../join-networks.ts";
import { labelOf, type NetworkState, type Sandbox } from "../network-state.ts";
import { type ListeningPorts, listeningPorts } from "./listening-ports.ts";
import { makeOutside, type Outside } from "./outside.ts";
import type { PolicyRule } from "./policy.ts";
import { type Listener, openListener, type Probe, sendProbes, standIn } from "./probe.ts";
import { type Judgement, judgeDirect, judgePublished, type Party } from "./reachability.ts";

export interface VerifyOptions {
  readonly policy?: readonly PolicyRule[];
  /** Only compute, send nothing. */
  readonly dryRun?: boolean;
}

export interface VerifyReport {
  readonly parties: readonly string[];
  readonly flows: readonly Flow[];
  /** What the packets did against the rules. */
  readonly surprises: readonly Flow[];
  /** What the policy does not allow, or wants and does not get. */
  readonly violations: readonly Violation[];
}

/** One way from one party to another. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly protocol: "tcp" | "udp";
  /** The container's port; undefined is any port, by the container's own address. */
  readonly port?: number;
  /** The port of the host that leads there. */
  readonly hostPort?: number;
  readonly expected: boolean;
  /** The rule that says so. */
  readonly because: string;
  /** What real packets did; undefined when none could be sent. */
  readonly observed?: boolean;
}

export interface Violation {
  readonly line: number;
  readonly text: string;
  readonly because: string;
}

/** Who reaches whom: computed from the rules, then tried with real packets, which listeners and clients of our own send. */
export async function verifyNetworks(
  parts: NetworkParts,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const state = parts.ledger.read();
  const sandboxes = state.sandboxes.filter((sandbox) => parts.ledger.isAlive(sandbox));
  const parties: readonly Party[] = [
    ...sandboxes.map((sandbox): Party => ({ kind: "container", name: labelOf(sandbox), sandbox })),
    { kind: "host", name: "host" },
    { kind: "outside", name: "outside" },
  ];
  await using undo = new Cleanup();
  const places = openPlaces(parts, sandboxes, undo);
  // Before listeners of our own stand.
  const ports = new Map(
    sandboxes.map((sandbox) => [
      labelOf(sandbox),
      parts.host.namespaces.within(places.get(sandbox.id), () => listeningPorts(readProc)),
    ]),
  );
  const planned = planFlows(state, parties, sandboxes);
  const flows =
    options.dryRun === true ? planned.map(({ flow }) => flow) : await probe(parts, planned, { places, undo });
  return {
    parties: parties.map(({ name }) => name),
    flows,
    surprises: flows.filter(({ expected, observed }) => observed !== undefined && observed !== expected),
    violations: (options.policy ?? []).flatMap((rule) => checkRule(rule, flows, ports)),
  };
}

interface PlannedFlow {
  readonly flow: Flow;
  readonly from: Party;
  readonly to: Party;
  readonly judgement: Judgement;
}

function planFlows(
  state: NetworkState,
  parties: readonly Party[],
  sandboxes: readonly Sandbox[],
): readonly PlannedFlow[] {
  const plan = (
    from: Party,
    to: Party,
    judgement: Judgement,
    more: Pick<Flow, "protocol" | "port" | "hostPort">,
  ): PlannedFlow => ({
    from,
    to,
    judgement,
    flow: { from: from.name, to: to.name, ...more, expected: judgement.reaches, because: judgement.because },
  });
  const pairs = parties.flatMap((from) => parties.filter((to) => to !== from).map((to) => ({ from, to })));
  const direct = pairs
    .filter(({ from, to }) => from.kind === "container" || to.kind === "container")
    .flatMap(({ from, to }) => {
      const judgement = judgeDirect(state, from, to);
      return (["tcp", "udp"] as const).map((protocol) => plan(from, to, judgement, { protocol }));
    });
  const published = sandboxes.flatMap((sandbox) =>
    sandbox.ports
      .filter(({ hostAddress }) => hostAddress?.includes(":") !== true)
      .flatMap((port) => {
        if (port.protocol === "sctp") return [];
        const { protocol, hostPort, containerPort } = port;
        const to: Party = { kind: "container", name: labelOf(sandbox), sandbox };
        return parties.map((from) =>
          plan(from, to, judgePublished(state, from, { sandbox, port }), {
            protocol,
            hostPort,
            port: containerPort,
          }),
        );
      }),
  );
  return [...direct, ...published];
}

type Places = ReadonlyMap<string, NetworkNamespace>;

function openPlaces(parts: NetworkParts, sandboxes: readonly Sandbox[], undo: Cleanup): Places {
  return new Map(sandboxes.map((sandbox) => [sandbox.id, undo.use(openSandbox(parts, sandbox))]));
}

async function probe(
  parts: NetworkParts,
  planned: readonly PlannedFlow[],
  context: { readonly places: Places; readonly undo: Cleanup },
): Promise<readonly Flow[]> {
  const { places, undo } = context;
  const outside = makeOutside(parts, undo);
  const listeners = new Map<string, Listener>();
  const placeOf = (party: Party): NetworkNamespace | undefined =>
    party.kind === "container"
      ? places.get(party.sandbox.id)
      : party.kind === "outside"
        ? outside.namespace
        : undefined;
  const listenerOf = (party: Party): Listener => {
    const known = listeners.get(party.name) ?? openListener(parts.host.sockets, placeOf(party), undo);
    listeners.set(party.name, known);
    return known;
  };
  const kept = new Set<string>();
  const listenAt = (party: Party, port: number): void => {
    const key = `${party.name} ${port}`;
    if (!kept.has(key)) standIn(parts.host.sockets, { namespace: placeOf(party), port }, undo);
    kept.add(key);
  };
  const probes = planned.map((one) => probeFor(one, { outside, placeOf, listenerOf, listenAt }));
  const sent = probes.filter((one) => one !== undefined);
  const arrived = await sendProbes(parts.host.sockets, sent);
  const results = new Map(sent.map((one, at) => [one, arrived[at]]));
  return planned.map(({ flow }, at) => {
    const found = probes[at];
    const observed = found && results.get(found);
    return observed === undefined ? flow : { ...flow, observed };
  });
}

/** Undefined where nothing can be sent: no address, or a UDP port whose program we cannot ask. */
function probeFor(
  { flow, from, to, judgement }: PlannedFlow,
  context: {
    readonly outside: Outside;
    readonly placeOf: (party: Party) => NetworkNamespace | undefined;
    readonly listenerOf: (party: Party) => Listener;
    readonly listenAt: (party: Party, port: number) => void;
  },
): Probe | undefined {
  const { outside } = context;
  const place = context.placeOf(from);
  const { protocol, hostPort, expected: isExpected } = flow;
  if (hostPort !== undefined) {
    if (protocol === "udp") return undefined;
    const address = judgement.address ?? outside.hostAddress;
    if (to.kind === "container") context.listenAt(to, flow.port ?? 0);
    // From elsewhere 127.0.0.1 is another machine's.
    if (address.startsWith("127.") && from.kind !== "host")
      return {
        isExpected,
        from: place,
        protocol,
        to: { address: outside.hostAddress, port: hostPort },
      };
    return {
      isExpected,
      from: place,
      protocol,
      to: { address: address === "0.0.0.0" ? "127.0.0.1" : address, port: hostPort },
    };
  }
  const address = to.kind === "outside" ? outside.address : judgement.address;
  if (address === undefined) return undefined;
  const listener = context.listenerOf(to);
  return { isExpected, from: place, protocol, to: { address, port: listener[protocol].port, listener } };
}

function checkRule(
  rule: PolicyRule,
  flows: readonly Flow[],
  ports: ReadonlyMap<string, ListeningPorts>,
): readonly Violation[] {
  const { target, line } = rule;
  if (!ports.has(target))
    return [{ line, text: `there is no running container "${target}"`, because: "the policy names it" }];
  const into = flows.filter(({ to }) => to === target);
  const listening = ports.get(target) ?? { tcp: [], udp: [] };
  const open = into
    .filter(({ observed, expected }) => observed ?? expected)
    .flatMap((flow) => {
      const found = flow.port === undefined ? listening[flow.protocol] : [flow.port];
      // Where no program listens, the way itself is against the policy; once is enough.
      const isOpenWay = found.length === 0 && flow.protocol === "tcp";
      return (isOpenWay ? [undefined] : found).map((port) => ({ flow, port }));
    })
    .filter(({ flow, port }) => !isAllowed(rule, flow.from, port))
    .map(
      ({ flow, port }): Violation => ({
        line,
        text: `${flow.from} reaches ${target}${port === undefined ? "" : `:${port}`}/${flow.protocol}${flow.hostPort === undefined ? "" : ` by port ${flow.hostPort} of the host`}`,
        because: flow.because,
      }),
    );
  const missing = rule.sources
    .filter(
      ({ name, port }) =>
        !into.some(
          (flow) =>
            flow.from === name &&
            flow.protocol === "tcp" &&
            (flow.observed ?? flow.expected) &&
            (port === undefined || flow.port === undefined || flow.port === port),
        ),
    )
    .map(
      ({ name, port }): Violation => ({
        line,
        text: `${name} does not reach ${target}${port === undefined ? "" : `:${port}`}`,
        because: into.find((flow) => flow.from === name)?.because ?? "nobody of that name runs",
      }),
    );
  return uniqueViolations([...open, ...missing]);
}

function isAllowed({ sources }: PolicyRule, from: string, port: number | undefined): boolean {
  return sources.some(
    (source) => source.name === from && (source.port === undefined || source.port === port),
  );
}

function uniqueViolations(list: readonly Violation[]): readonly Violation[] {
  return [...new Map(list.map((one) => [one.text, one])).values()];
}

function readProc(path: string): string {
  return readFileSync(path, "utf8");
}
