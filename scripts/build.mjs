// Bundles the CLI and the library doors, and writes the types.
//   node scripts/build.mjs [--types]
// Both are split, so that each command loads only what it needs. The doors are ES modules; the CLI's chunks are turned
// into CommonJS, which Node 20 loads 13 ms sooner a command (docs/adr/0006-a-command-line-that-starts-lazily.md).
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
import { basename, dirname, join, relative } from "node:path";
import { build, transform } from "esbuild";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const startedAt = new Date();
const shared = {
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // Native code and large packages stay outside; small ones are bundled, which spares Node the search for CommonJS exports.
  external: ["koffi", "openpgp", "xz-decompress"],
  conditions: ["source"],
  // For Node it offers only CommonJS, whose require an ES module does not have; this is the same code as ES modules.
  alias: { yaml: "./node_modules/yaml/browser/index.js" },
  chunkNames: "chunks/[name]-[hash]",
  define: { LIGHTER_VERSION: JSON.stringify(version) },
  write: false,
  logLevel: "warning",
};
const doors = {
  engine: "src/engine/index.ts",
  dockerfile: "src/dockerfile/index.ts",
  plan: "src/plan/index.ts",
  registry: "src/registry/index.ts",
};
const [library, cli] = await Promise.all([
  build({ ...shared, entryPoints: doors, outdir: "dist" }),
  build({ ...shared, entryPoints: { cli: "src/cli/main.ts" }, outdir: "dist/cli", minify: true }),
]);
install("dist", library.outputFiles);
install("dist/cli", await Promise.all(cli.outputFiles.map(toCommonJs)));
replace({ path: "dist/cli/package.json", contents: '{ "type": "commonjs" }\n' });

if (process.argv.includes("--types")) {
  rmSync("dist/types", { recursive: true, force: true });
  const { status } = spawnSync("npx", ["tsc", "-p", "tsconfig.types.json"], { stdio: "inherit" });
  process.exit(status ?? 1);
}

async function toCommonJs({ path, text }) {
  const url = "__fileUrl";
  const { code } = await transform(text, {
    format: "cjs",
    platform: "node",
    target: "node20",
    minify: true,
    // A stack trace shows the line it comes from: no line is long.
    lineLimit: 160,
    supported: { "dynamic-import": false },
    define: { "import.meta.url": url },
    banner: text.includes("import.meta.url")
      ? `const ${url}=require("node:url").pathToFileURL(__filename).href;`
      : "",
  });
  return { path, contents: lazyBuiltins(code) };
}

/**
 * Modules of Node that few commands use are loaded when something of them is first used: together they cost every
 * command 25 ms. Only whole-module requires are rewritten, which is how the transform writes named imports.
 */
function lazyBuiltins(code) {
  const lazy =
    /=require\("(node:(?:child_process|crypto|dgram|http|http2|https|net|os|tls|stream|stream\/promises|util|worker_threads|zlib))"\)/g;
  if (!lazy.test(code)) return code;
  const helper = "const __later=n=>new Proxy({},{get:(_,k)=>require(n)[k]});";
  return `${helper}${code.replace(lazy, '=__later("$1")')}`;
}

/**
 * A lighter that runs meanwhile must find what it loads: chunks (named by their content) first, then the entries that
 * name them, each by rename; chunks nobody names any more go after a while.
 */
function install(folder, outputs) {
  const files = outputs.map(({ path, contents }) => ({ path: relative(process.cwd(), path), contents }));
  const isEntry = ({ path }) => dirname(path) === folder;
  for (const file of files.filter((file) => !isEntry(file))) replace(file);
  for (const file of files.filter(isEntry)) {
    replace(file);
    // The time at which reading began: a source saved during the build is newer.
    utimesSync(file.path, startedAt, startedAt);
  }
  sweep(join(folder, "chunks"), new Set(files.map(({ path }) => basename(path))));
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
    if (!kept.has(name) && statSync(path).mtimeMs < agedMs) rmSync(path, { force: true });
  }
}
