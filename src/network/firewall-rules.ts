import type { BridgeNetwork, Endpoint, NetworkState } from "./network-state.ts";

/**
 * The script that makes the table say exactly what the state says, in one transaction, whatever it said before. With no
 * network the table goes.
 *
 * The table only ever drops packets on their way into its own bridges. An `accept` here ends this table's view and no other's,
 * so the host's own firewall keeps the last word.
 */
export function renderFirewall(table: string, state: NetworkState, owner: string): string {
  const remove = `add table inet ${table}\ndelete table inet ${table}\n`;
  if (state.networks.length === 0) return remove;
  return `${remove}table inet ${table} {
comment "${owner.replaceAll(/["\n\\]/g, "?").slice(0, 120)}"
${maps(state)}
${forwarding(state.networks)}
${translation(state.networks)}
${loopbackGuard(state.networks)}
}
`;
}

/** The script that publishes an endpoint's ports in a table that stands. */
export function renderPublishing(table: string, endpoint: Endpoint): string {
  const { everywhere, atAddress } = elements([endpoint]);
  return [
    ...everywhere.map((element) => `add element inet ${table} published { ${element} }\n`),
    ...atAddress.map((element) => `add element inet ${table} published_at { ${element} }\n`),
  ].join("");
}

function maps(state: NetworkState): string {
  const { everywhere, atAddress } = elements(state.endpoints);
  return `map published {
comment "ports published on every address of the host"
type inet_proto . inet_service : ipv4_addr . inet_service
${elementsLine(everywhere)}}
map published_at {
comment "ports published on one address of the host"
type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
${elementsLine(atAddress)}}`;
}

function elements(endpoints: readonly Endpoint[]): { everywhere: string[]; atAddress: string[] } {
  const everywhere: string[] = [];
  const atAddress: string[] = [];
  for (const { address, ports } of endpoints) {
    for (const { hostAddress, protocol, hostPort, containerPort } of ports) {
      const element = `${protocol} . ${hostPort} : ${address} . ${containerPort}`;
      if (hostAddress === undefined || hostAddress === "0.0.0.0") everywhere.push(element);
      else atAddress.push(`${hostAddress} . ${element}`);
    }
  }
  return { everywhere, atAddress };
}

function elementsLine(list: readonly string[]): string {
  return list.length === 0 ? "" : `elements = { ${list.join(", ")} }\n`;
}

/** Into a bridge come: answers, neighbours, and what a published port let through. Nothing else, so networks are isolated. */
function forwarding(networks: readonly BridgeNetwork[]): string {
  const jumps = networks.map(({ bridge }) => `"${bridge}" : jump into_${bridge}`).join(", ");
  const chains = networks.map(
    ({ bridge }) => `chain into_${bridge} {
ct state established,related accept comment "answers"
iifname "${bridge}" accept comment "neighbours on the same network"
ct status dnat accept comment "published ports"
drop comment "everything else: other networks, and addresses used from outside"
}`,
  );
  return `${chains.join("\n")}
chain forward {
type filter hook forward priority filter; policy accept;
oifname vmap { ${jumps} }
}`;
}

/** Destination of published ports; source of what leaves, keyed on where it goes out, which also holds for bridged traffic. */
function translation(networks: readonly BridgeNetwork[]): string {
  const publish = `fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @published_at
fib daddr type local dnat ip to meta l4proto . th dport map @published`;
  const masquerade = networks.map(
    ({ bridge, subnet }) => `ip saddr ${subnet} oifname != "${bridge}" masquerade comment "outgoing"
oifname "${bridge}" ip saddr ${subnet} ct status dnat masquerade comment "a container to a published port of its own network"
oifname "${bridge}" ip saddr 127.0.0.0/8 masquerade comment "the host to a published port by 127.0.0.1"`,
  );
  return `chain prerouting {
type nat hook prerouting priority dstnat; policy accept;
${publish}
}
chain output {
type nat hook output priority -100; policy accept;
${publish}
}
chain postrouting {
type nat hook postrouting priority srcnat; policy accept;
${masquerade.join("\n")}
}`;
}

/** The bridges route 127.0.0.0/8 so that published ports answer there; from a container no such packet is honest. */
function loopbackGuard(networks: readonly BridgeNetwork[]): string {
  const rules = networks.map(
    ({ bridge }) => `iifname "${bridge}" ip saddr 127.0.0.0/8 drop
iifname "${bridge}" ip daddr 127.0.0.0/8 drop`,
  );
  return `chain loopback_guard {
type filter hook prerouting priority raw; policy accept;
${rules.join("\n")}
}`;
}
