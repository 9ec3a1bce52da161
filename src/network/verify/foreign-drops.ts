import { ownerOf } from "../find-network.ts";
import type { NetworkParts } from "../join-networks.ts";

/** Who else may drop what this host passes on, in words: other tables' forward chains, and iptables of the old kind. */
export function foreignDrops(
  { host, root }: Pick<NetworkParts, "host" | "root">,
  read: (path: string) => string,
): readonly string[] {
  const { table } = ownerOf(root);
  return [
    ...droppingChains(host.firewall.print("ruleset")).filter((chain) => !chain.includes(` ${table}, `)),
    ...legacyTables(read),
  ];
}

/** `table inet admin, chain forward (policy drop)`: chains at the forward hook that drop or refuse, of `nft list ruleset`. */
export function droppingChains(ruleset: string): readonly string[] {
  const tables = ruleset.split(/^(?=table )/m);
  return tables.flatMap((text) => {
    const table = /^table (\S+ \S+) \{/.exec(text)?.[1];
    if (table === undefined) return [];
    return text.split(/^\s*(?=chain )/m).flatMap((chain) => {
      const name = /^chain (\S+) \{/.exec(chain)?.[1];
      if (name === undefined || !/\bhook forward\b/.test(chain)) return [];
      const way = howItDrops(chain);
      return way === undefined ? [] : [`table ${table}, chain ${name} (${way})`];
    });
  });
}

function howItDrops(chain: string): string | undefined {
  if (/policy drop;/.test(chain)) return "policy drop";
  const rule = chain.split("\n").find((line) => /\b(drop|reject)\b/.test(line) && !line.includes("policy "));
  if (rule !== undefined) return rule.trim();
  // ufw and firewalld drop in chains of their own.
  const jump = /\b(?:jump|goto) \S+/.exec(chain)?.[0];
  return jump;
}

/** nft does not show the tables of iptables-legacy; the kernel names them. */
function legacyTables(read: (path: string) => string): readonly string[] {
  try {
    return read("/proc/thread-self/net/ip_tables_names").split("\n").includes("filter")
      ? ["iptables-legacy (see iptables-legacy -S FORWARD)"]
      : [];
  } catch {
    return [];
  }
}
