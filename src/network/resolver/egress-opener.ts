import { isIP } from "node:net";
import { isLighterError } from "#base";
import type { Host } from "#host";
import { type EgressRule, parseEgress, rulesForName } from "../egress-rule.ts";
import { egressOf } from "../firewall-elements.ts";
import { canonicalAddress } from "../ipam.ts";
import { endpointsOf, type NetworkState, type Sandbox } from "../network-state.ts";
import { addressesIn } from "./respond.ts";

/** An address stays open somewhat longer than its answer holds, for clients that connect late. */
const graceSeconds = 30;
const shortestSeconds = 60;
const longestSeconds = 3600;

/** The rules of a container's policy that a name matches; undefined when it has no policy. */
export function egressRulesFor(
  state: NetworkState,
  sandbox: Sandbox,
  name: string,
): readonly EgressRule[] | undefined {
  const policy = egressOf(state, sandbox);
  return policy === undefined ? undefined : rulesForName(policy.map(parseEgress), name);
}

/** Opens the addresses of an answer to the asker before the answer is sent. */
export function openAddresses(
  firewall: Pick<Host["firewall"], "apply">,
  table: string,
  opening: {
    readonly state: NetworkState;
    readonly sandbox: Sandbox;
    readonly rules: readonly EgressRule[];
    readonly answer: Buffer;
  },
): void {
  const { state, sandbox, rules, answer } = opening;
  const elements = addressesIn(answer).flatMap(({ address, ttl }) => {
    const version = isIP(address);
    const own = endpointsOf(state, sandbox).flatMap(
      (endpoint) => (version === 4 ? endpoint.address : endpoint.address6) ?? [],
    );
    const suffix = version === 4 ? "" : "6";
    const timeout = Math.min(longestSeconds, Math.max(shortestSeconds, ttl + graceSeconds));
    return own.flatMap((from) =>
      rules
        .flatMap(({ port }) => flowsOf(from, canonicalAddress(address), port, suffix))
        .map((one) => ({ ...one, timeout })),
    );
  });
  for (const { set, key, timeout } of elements) {
    const add = `add element inet ${table} ${set} { ${key} timeout ${timeout}s }\n`;
    // An element that is there keeps its old time unless it is taken out first; one that is not cannot be taken out.
    try {
      firewall.apply(`${add}delete element inet ${table} ${set} { ${key} }\n${add}`);
    } catch (error) {
      if (!isLighterError(error, "FIREWALL_FAILED")) throw error;
    }
  }
}

function flowsOf(
  from: string,
  to: string,
  port: number | undefined,
  suffix: string,
): readonly { readonly set: string; readonly key: string }[] {
  if (port === undefined) return [{ set: `resolved_any${suffix}`, key: `${from} . ${to}` }];
  return ["tcp", "udp"].map((protocol) => ({
    set: `resolved${suffix}`,
    key: `${from} . ${to} . ${protocol} . ${port}`,
  }));
}
