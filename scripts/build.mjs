// Bundles the CLI and the library doors, and writes the types.
//   node scripts/build.mjs [--types]
// Both are split, so that each command loads only what it needs. The doors are ES modules; the CLI's chunks are turned
// into CommonJS and loaded by src/cli/start (docs/adr/0006-a-command-line-that-starts-lazily.md).
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
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
  build({
    ...shared,
    entryPoints: { main: "src/cli/main.ts" },
    outdir: "dist/cli",
    chunkNames: "[name]-[hash]",
    minify: true,
  }),
]);
install("dist", library.outputFiles);
await installCli(await Promise.all(cli.outputFiles.map(toCommonJs)));

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
    // pathToFileURL would take a third of a millisecond.
    banner: text.includes("import.meta.url")
      ? `const ${url}="file://"+encodeURI(__filename).replace(/[?#]/g,encodeURIComponent);`
      : "",
  });
  return { path, contents: lazyBuiltins(withoutCopy(code)) };
}

/** The transform gives out a copy of the object it defined each export on: defining them once is enough. */
function withoutCopy(code) {
  const whole = /(var ([\w$]+)=\{\};\s*[\w$]+\(\2,\{[^}]*\}\);\s*)module\.\s*exports=\s*[\w$]+\(\s*\2\);/;
  return code.replace(whole, '$1module.exports=Object.defineProperty($2,"__esModule",{value:!0});');
}

/**
 * Modules of Node that few commands use are loaded when something of them is first used: together they cost every
 * command 25 ms. Only whole-module requires are rewritten, which is how the transform writes named imports.
 */
function lazyBuiltins(code) {
  const lazy =
    /=require\("(node:(?:child_process|crypto|dgram|http|http2|https|module|net|os|tls|stream|stream\/promises|util|worker_threads|zlib))"\)/g;
  if (!lazy.test(code)) return code;
  const helper = "const __later=n=>new Proxy({},{get:(_,k)=>require(n)[k]});";
  return `${helper}${code.replace(lazy, '=__later("$1")')}`;
}

/**
 * The chunks of one build are in a folder of their own, beside which the pack of their compiled code is made; it is named
 * by their content, because a lighter of the build before may run meanwhile.
 */
async function installCli(chunks) {
  const content = createHash("sha256");
  for (const { path, contents } of chunks) content.update(`${basename(path)}\n${contents}`);
  const name = `chunks-${content.digest("hex").slice(0, 12)}`;
  for (const { path, contents } of chunks)
    replace({ path: join("dist/cli", name, basename(path)), contents });
  replace({ path: "dist/cli/package.json", contents: '{ "type": "commonjs" }\n' });
  const [start] = (
    await build({
      ...shared,
      entryPoints: { cli: "src/cli/start/start.ts" },
      outdir: "dist/cli",
      format: "cjs",
      splitting: false,
      minify: true,
      define: { LIGHTER_CHUNKS: JSON.stringify(name) },
    })
  ).outputFiles;
  replace({ path: "dist/cli/cli.js", contents: start.contents });
  utimesSync("dist/cli/cli.js", startedAt, startedAt);
  sweep("dist/cli", new Set([name, "cli.js", "package.json"]));
  // The first command of a build makes the pack of this machine.
  spawnSync(process.execPath, ["bin/lighter", "version"], { stdio: "ignore" });
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
    if (!kept.has(name) && statSync(path).mtimeMs < agedMs) rmSync(path, { recursive: true, force: true });
  }
}
