import { spawnSync } from "node:child_process";
import { LighterError } from "#base";
import { forgetFlows } from "./conntrack.ts";
import type { Firewall, Processes } from "./host.ts";
import { runInNetwork } from "./namespaces.ts";
import { openNftables } from "./nftables-library.ts";
import { hasTable, removeTable } from "./nftables-table.ts";
import type { Sys } from "./sys.ts";

const maxOutputBytes = 64 * 1024 * 1024;

/** Runs one nft script and gives its output, or nft's words when it fails. */
export type NftRun = (
  script: string,
  json: boolean,
) => { readonly ok: true; readonly output: string } | { readonly ok: false; readonly words: string };

/** nftables by libnftables in this process (0.1 ms a change), else by the nft program (4 ms). */
export function createFirewall(sys: Sys, processes: Processes): Firewall {
  let run: NftRun | undefined;
  const nft: NftRun = (script, json) => {
    run ??= openNftables(sys) ?? programRun(processes.find("nft"));
    return run(script, json);
  };
  return {
    apply: (script, namespace) => {
      const result = runInNetwork(sys, namespace, () => nft(script, false));
      if (!result.ok) throw failure("change", result.words);
    },
    hasTable: (name) => hasTable(sys, name),
    removeTable: (name) => removeTable(sys, name),
    forgetFlows: (flow) => forgetFlows(sys, flow),
    print: (what) => {
      const result = nft(`list ${what}`, false);
      if (!result.ok) throw failure("list", result.words);
      return result.output;
    },
    list: (what) => {
      const result = nft(`list ${what}`, true);
      if (!result.ok) throw failure("list", result.words);
      return result.output.trim() === "" ? { nftables: [] } : JSON.parse(result.output);
    },
  };
}

function programRun(nft: string | undefined): NftRun {
  if (nft === undefined) throw programMissing();
  return (script, json) => {
    // With -j nft opens /dev/stdin by name, which fails on the socket that Node makes; a list command is short.
    const args = json ? ["-j", script] : script.startsWith("list ") ? [script] : ["-f", "-"];
    const result = spawnSync(nft, args, { input: script, encoding: "utf8", maxBuffer: maxOutputBytes });
    if (result.status === 0) return { ok: true, output: result.stdout };
    return { ok: false, words: result.error?.message ?? result.stderr };
  };
}

function programMissing(): LighterError {
  return new LighterError(
    "PROGRAM_MISSING",
    'cannot change "firewall": neither libnftables.so.1 nor the nft program is installed; run "apt-get install nftables"',
  );
}

/** nft's first line names the fault; the rest draws the script with carets. */
function failure(verb: string, words: string): LighterError {
  const first = words.trim().split("\n", 1)[0] ?? "";
  const state = first.replace(/^.*?Error: /, "");
  if (/cache initialization failed|protocol not supported/i.test(state))
    return new LighterError(
      "KERNEL_UNSUPPORTED",
      `cannot ${verb} "firewall": this kernel has no nftables, and iptables alone is not supported; load nf_tables or use --network host or none`,
      { details: { nft: words.trim() } },
    );
  return new LighterError(
    "FIREWALL_FAILED",
    `cannot ${verb} "firewall": ${state === "" ? "nft failed" : state}`,
    {
      details: { nft: words.trim() },
    },
  );
}
