// Bundles the CLI (split, so that each command loads only what it needs) and the library doors, and writes the types.
//   node scripts/build.mjs [--types] [--sourcemap]
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const startedAt = new Date();
const { outputFiles } = await build({
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
  // Native code and large packages stay outside; small ones are bundled, which spares Node the search for CommonJS exports.
  external: ["koffi", "openpgp", "xz-decompress"],
  minify: true,
  conditions: ["source"],
  chunkNames: "chunks/[name]-[hash]",
  define: { LIGHTER_VERSION: JSON.stringify(version) },
  sourcemap: process.argv.includes("--sourcemap"),
  write: false,
  logLevel: "warning",
});

// A lighter that runs meanwhile must find what it loads: chunks (named by their content) first, then the doors that
// name them, each by rename; chunks nobody names any more go after a while.
const isDoor = (path) => dirname(path) === "dist";
const files = outputFiles.map(({ path, contents }) => ({ path: relative(process.cwd(), path), contents }));
for (const file of files.filter(({ path }) => !isDoor(path))) replace(file);
for (const file of files.filter(({ path }) => isDoor(path))) replace(file);
// The doors carry the time at which reading began: a source saved during the build is newer.
for (const { path } of files.filter(({ path }) => isDoor(path))) utimesSync(path, startedAt, startedAt);
sweep("dist/chunks", new Set(files.map(({ path }) => path)));

if (process.argv.includes("--types")) {
  rmSync("dist/types", { recursive: true, force: true });
  const { status } = spawnSync("npx", ["tsc", "-p", "tsconfig.types.json"], { stdio: "inherit" });
  process.exit(status ?? 1);
}

function replace({ path, contents }) {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, contents);
  renameSync(partial, path);
}

function sweep(folder, kept) {
  const agedMs = Date.now() - 10 * 60_000;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!kept.has(path) && statSync(path).mtimeMs < agedMs) rmSync(path, { force: true });
  }
}
