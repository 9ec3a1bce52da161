import { labelOf, type NetworkState, type Sandbox } from "../network-state.ts";
import {
  hasVersion,
  type Judgement,
  judgeDirect,
  judgePublished,
  type Party,
  versionOf,
} from "./reachability.ts";

/** One way from one party to another. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly protocol: "tcp" | "udp";
  /** Of the Internet Protocol. */
  readonly version: 4 | 6;
  /** The container's port; undefined is any port, by the container's own address. */
  readonly port?: number;
  /** The port of the host that leads there. */
  readonly hostPort?: number;
  readonly expected: boolean;
  /** The rule that says so; where packets did otherwise, also what stands beside these rules. */
  readonly because: string;
  /** What real packets did; undefined when none could be sent. */
  readonly observed?: boolean;
}

export interface PlannedFlow {
  readonly flow: Flow;
  readonly from: Party;
  readonly to: Party;
  readonly judgement: Judgement;
}

/** Every way there is to try: by the containers' own addresses, and by the host's published ports. */
export function planFlows(state: NetworkState, sandboxes: readonly Sandbox[]): readonly PlannedFlow[] {
  const parties: readonly Party[] = [
    ...sandboxes.map(partyOf),
    { kind: "host", name: "host" },
    { kind: "outside", name: "outside" },
  ];
  return [...planDirect(state, parties), ...sandboxes.flatMap((one) => planPublished(state, parties, one))];
}

export function partyOf(sandbox: Sandbox): Party {
  return { kind: "container", name: labelOf(sandbox), sandbox };
}

function planDirect(state: NetworkState, parties: readonly Party[]): readonly PlannedFlow[] {
  return parties
    .flatMap((from) => parties.filter((to) => to !== from).map((to) => ({ from, to })))
    .filter(({ from, to }) => from.kind === "container" || to.kind === "container")
    .flatMap(({ from, to }) =>
      ([4, 6] as const).flatMap((version) => {
        // IPv6 is where both have it; that a container has no IPv4 is worth a line.
        if (version === 6 && !(hasVersion(state, from, 6) && hasVersion(state, to, 6))) return [];
        const judgement = judgeDirect(state, from, to, version);
        return (["tcp", "udp"] as const).map((protocol) =>
          planned({ from, to, judgement }, { protocol, version }),
        );
      }),
    );
}

function planPublished(
  state: NetworkState,
  parties: readonly Party[],
  sandbox: Sandbox,
): readonly PlannedFlow[] {
  const to = partyOf(sandbox);
  return sandbox.ports.flatMap((port) => {
    const { protocol, hostPort, containerPort } = port;
    const version = versionOf(port);
    if (protocol === "sctp") return [];
    // What the monitor carries from IPv6 to IPv4 is no matter of the rules.
    if (version === 6 && !hasVersion(state, to, 6)) return [];
    return parties
      .filter((from) => hasVersion(state, from, version))
      .map((from) =>
        planned(
          { from, to, judgement: judgePublished(state, from, { sandbox, port }) },
          { protocol, version, hostPort, port: containerPort },
        ),
      );
  });
}

function planned(
  way: Omit<PlannedFlow, "flow">,
  more: Pick<Flow, "protocol" | "version" | "port" | "hostPort">,
): PlannedFlow {
  const { from, to, judgement } = way;
  const { reaches: expected, because } = judgement;
  return { ...way, flow: { from: from.name, to: to.name, ...more, expected, because } };
}
