import { type Chain, maps, postrouting, sets, staticChains, tableStructure } from "./firewall-chains.ts";
import { elementsOf, portElements } from "./firewall-elements.ts";
import type { NetworkState, Sandbox } from "./network-state.ts";

/** Sets that the kernel and the resolver fill: they outlive a change of the state. */
const filledElsewhere = /^(resolved|resolved_any|refused)6?$/;

/**
 * The script that makes the table anew, in one transaction, whatever it said before. With no network the table goes.
 *
 * The table only ever drops packets on their way into its own bridges or out of them. An `accept` here ends this table's view
 * and no other's, so the host's own firewall keeps the last word.
 */
export function renderFirewall(table: string, state: NetworkState, owner: string): string {
  const remove = `add table inet ${table}\ndelete table inet ${table}\n`;
  if (!needsTable(state)) return remove;
  const elements = elementsOf(state);
  const block = (kind: "set" | "map", { name, body, comment }: (typeof sets)[number]): string =>
    `${kind} ${name} {\ncomment "${comment}"\n${body}\n${elementsLine(elements.get(name) ?? [])}}\n`;
  return `${remove}table inet ${table} {
comment "${commentText(`structure ${tableStructure} of ${owner}`)}"
${sets.map((set) => block("set", set)).join("")}${maps.map((map) => block("map", map)).join("")}${chainsFor(
  state,
)
  .map(renderChain)
  .join("")}}
`;
}

/** The script that makes a table of this structure say what the state says; what was learnt meanwhile stays. */
export function renderUpdate(table: string, state: NetworkState): string {
  const elements = elementsOf(state);
  const refill = [...sets, ...maps]
    .filter(({ name }) => !filledElsewhere.test(name))
    .flatMap(({ name }) => {
      const list = elements.get(name) ?? [];
      const kind = maps.some((map) => map.name === name) ? "map" : "set";
      return [
        `flush ${kind} inet ${table} ${name}\n`,
        ...(list.length === 0 ? [] : [`add element inet ${table} ${name} { ${list.join(", ")} }\n`]),
      ];
    });
  const chain = postrouting(bridgesOf(state));
  return [
    ...refill,
    `flush chain inet ${table} ${chain.name}\n`,
    ...chain.rules.map(
      ({ match, comment }) =>
        `add rule inet ${table} ${chain.name} ${match} comment "${commentText(comment)}"\n`,
    ),
  ].join("");
}

/** The script that publishes a container's ports in a table that stands, or takes them back. */
export function renderPorts(
  table: string,
  verb: "add" | "delete",
  { state, sandbox }: { readonly state: NetworkState; readonly sandbox: Sandbox },
): string {
  return portElements(state, sandbox)
    .map(([name, element]) => `${verb} element inet ${table} ${name} { ${element} }\n`)
    .join("");
}

/** All chains with their rules. */
export function chainsFor(state: NetworkState): readonly Chain[] {
  return [...staticChains, postrouting(bridgesOf(state))].sort(
    (a, b) => Number(a.hook !== undefined) - Number(b.hook !== undefined),
  );
}

export function needsTable(state: NetworkState): boolean {
  return bridgesOf(state).length > 0;
}

function bridgesOf({ networks }: NetworkState) {
  return networks.filter(({ driver }) => driver === "bridge");
}

/** nft wants a chain before the rule that jumps to it, so the ones without a hook come first. */
function renderChain({ name, hook, comment, rules }: Chain): string {
  const lines = rules.map((rule) => `${rule.match} comment "${commentText(rule.comment)}"\n`).join("");
  return `chain ${name} {\ncomment "${commentText(comment).slice(0, 120)}"\n${hook === undefined ? "" : `${hook}\n`}${lines}}\n`;
}

function elementsLine(list: readonly string[]): string {
  return list.length === 0 ? "" : `elements = { ${list.join(", ")} }\n`;
}

/** nft has no escape in a quoted text, and takes 128 bytes. */
function commentText(text: string): string {
  return text.replaceAll(/["\n\\]/g, "?").slice(0, 120);
}
