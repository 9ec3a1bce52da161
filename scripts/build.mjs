// Bundles the CLI (split, so that each command loads only what it needs) and the library doors, and writes the types.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: {
    cli: "src/cli/main.ts",
    engine: "src/engine/index.ts",
    dockerfile: "src/dockerfile/index.ts",
    plan: "src/plan/index.ts",
  },
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  conditions: ["source"],
  chunkNames: "chunks/[name]-[hash]",
  sourcemap: process.argv.includes("--sourcemap"),
  logLevel: "warning",
});
if (process.argv.includes("--types")) {
  const { status } = spawnSync("npx", ["tsc", "-p", "tsconfig.types.json"], { stdio: "inherit" });
  process.exit(status ?? 1);
}
