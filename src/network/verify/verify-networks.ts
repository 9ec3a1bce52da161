import { readFileSync } from "node:fs";
import { Cleanup } from "#base";
import type { NetworkNamespace } from "#host";
import { openSandbox } from "../connect-container.ts";
import type { NetworkParts } from "../join-networks.ts";
import { labelOf, type Sandbox } from "../network-state.ts";
import { checkRule, type Violation } from "./check-policy.ts";
import { type Flow, planFlows } from "./flow.ts";
import { foreignDrops } from "./foreign-drops.ts";
import { listeningPorts } from "./listening-ports.ts";
import type { PolicyRule } from "./policy.ts";
import { probeFlows } from "./probe-flows.ts";

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

/** Who reaches whom: computed from the rules, then tried with real packets, which listeners and clients of our own send. */
export async function verifyNetworks(
  parts: NetworkParts,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const state = parts.ledger.read();
  const sandboxes = state.sandboxes.filter((sandbox) => parts.ledger.isAlive(sandbox));
  await using undo = new Cleanup();
  const places = openPlaces(parts, sandboxes, undo);
  // Before listeners of our own stand.
  const ports = new Map(
    sandboxes.map((sandbox) => [
      labelOf(sandbox),
      parts.host.namespaces.within(places.get(sandbox.id), () => listeningPorts(readProc)),
    ]),
  );
  const planned = planFlows(state, sandboxes);
  const probed =
    options.dryRun === true
      ? planned.map(({ flow }) => flow)
      : await probeFlows(parts, planned, { places, undo });
  const flows = explainSurprises(probed, () => foreignDrops(parts, readProc));
  return {
    parties: [...sandboxes.map(labelOf), "host", "outside"],
    flows,
    surprises: flows.filter(isSurprise),
    violations: (options.policy ?? []).flatMap((rule) => checkRule(rule, flows, ports)),
  };
}

type Places = ReadonlyMap<string, NetworkNamespace>;

function openPlaces(parts: NetworkParts, sandboxes: readonly Sandbox[], undo: Cleanup): Places {
  return new Map(sandboxes.map((sandbox) => [sandbox.id, undo.use(openSandbox(parts, sandbox))]));
}

function isSurprise({ expected, observed }: Flow): boolean {
  return observed !== undefined && observed !== expected;
}

/** Packets that did not arrive against the rules were taken by somebody else: whoever else drops on this host is named. */
function explainSurprises(flows: readonly Flow[], drops: () => readonly string[]): readonly Flow[] {
  if (!flows.some(isSurprise)) return flows;
  const others = drops();
  if (others.length === 0) return flows;
  return flows.map((flow) =>
    isSurprise(flow) && flow.expected
      ? { ...flow, because: `${flow.because}; beside these rules stands ${others.join(", ")}` }
      : flow,
  );
}

function readProc(path: string): string {
  return readFileSync(path, "utf8");
}
