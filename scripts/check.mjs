// The check before a commit: format, lint, layers, types. No root, no kernel. Prints only what is wrong.
import { spawnSync } from "node:child_process";

const steps = [
  ["npx", "biome", "check", "--error-on-warnings", "."],
  ["npx", "oxlint", "--type-aware", "--deny-warnings"],
  ["node", "scripts/check-layers.mjs"],
  ["npx", "tsc", "-p", "tsconfig.json"],
];
let failed = false;
for (const [program, ...args] of steps) {
  const { status } = spawnSync(program, args, { stdio: "inherit" });
  if (status !== 0) failed = true;
}
process.exit(failed ? 1 : 0);
