import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createFirewall } from "./firewall.ts";
import type { Processes } from "./host.ts";
import { createProcesses } from "./processes.ts";
import { openSys, type Sys } from "./sys.ts";

/** A host without libnftables, whose nft program says `words`; undefined has no such program. */
function firewallThatSays(folder: string, words: string | undefined) {
  const nft = join(folder, "nft");
  writeFileSync(nft, `#!/bin/sh\ncat > /dev/null\necho '${words}' >&2\nexit 1\n`);
  chmodSync(nft, 0o755);
  const sys = openSys();
  const withoutLibrary: Sys = {
    ...sys,
    native: {
      ...sys.native,
      load: () => {
        throw new Error("no such library");
      },
    },
  };
  const processes: Processes = {
    ...createProcesses(undefined),
    find: () => (words === undefined ? undefined : nft),
  };
  return createFirewall(withoutLibrary, processes);
}

test("what keeps a host from having a firewall is one sentence", () => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-nft-"));
  try {
    const cases: [string | undefined, string, RegExp][] = [
      // What nft says on a host whose kernel has iptables only.
      [
        "netlink: Error: cache initialization failed: Protocol not supported",
        "KERNEL_UNSUPPORTED",
        /this kernel has no nftables, and iptables alone is not supported; load nf_tables or use --network host or none$/,
      ],
      ["/dev/stdin:1:1-4: Error: syntax error, unexpected string", "FIREWALL_FAILED", /: syntax error/],
      [undefined, "PROGRAM_MISSING", /neither libnftables\.so\.1 nor the nft program is installed/],
    ];
    for (const [words, code, message] of cases)
      assert.throws(() => firewallThatSays(folder, words).apply("add table inet x\n"), { code, message });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
