// Bundles the tests and runs them with node:test.
//   node scripts/test.mjs [PATH ...]   unit tests beside the code, or those below the given paths
//   node scripts/test.mjs --all        unit tests, then the black-box suites under test/ (root, real kernel)
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const args = process.argv.slice(2);
const all = args.includes("--all");
const paths = args.filter((arg) => !arg.startsWith("-"));
const unit = paths.length > 0 ? paths.flatMap(tests) : tests("src");
const blackBox = all ? tests("test") : [];
if (unit.length + blackBox.length === 0) {
  console.error("no test file found");
  process.exit(1);
}
const out = `.build/test-${process.pid}`;
process.on("exit", () => rmSync(out, { recursive: true, force: true }));
await build({
  entryPoints: [...unit, ...blackBox],
  outdir: out,
  outbase: ".",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  conditions: ["source"],
  define: { LIGHTER_VERSION: '"test"' },
  sourcemap: "inline",
  outExtension: { ".js": ".mjs" },
  logLevel: "warning",
});
// One call for both suites, so that the runner's closing lines count every test; black-box files share one machine.
const files = [...unit, ...blackBox].map((file) => join(out, file.replace(/\.ts$/, ".mjs")));
const needsMachine = paths.some((path) => path.startsWith("test"));
const concurrency = all || needsMachine ? 1 : 2;
// The runner's own report, then a line for each corpus.
const reporters = [process.stdout.isTTY ? "spec" : "tap", "./scripts/corpus-reporter.mjs"].flatMap((name) => [
  `--test-reporter=${name}`,
  "--test-reporter-destination=stdout",
]);
const { status } = spawnSync(
  process.execPath,
  ["--enable-source-maps", "--test", ...reporters, `--test-concurrency=${concurrency}`, ...files],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;

function tests(path) {
  if (path.endsWith(".test.ts")) return [path];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}
