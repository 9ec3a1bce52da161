// How long the Dockerfile language takes: every Dockerfile of the corpus, then inputs made to be slow.
//   node bench/dockerfile.mjs
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";

const CORPUS = "../shared/corpora/frontend.jsonl.gz";
const out = mkdtempSync(join(".build", "bench-"));
process.on("exit", () => rmSync(out, { recursive: true, force: true }));
const outfile = join(out, "dockerfile.mjs");
await build({
  entryPoints: ["src/dockerfile/index.ts"],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  conditions: ["source"],
  packages: "external",
});
const { parse, print, expandWord, compileIgnore } = await import(pathToFileURL(outfile).href);

if (existsSync(CORPUS)) benchCorpus();
else console.log(`corpus: skipped, no ${CORPUS}`);
benchGrowth("stages", (size) => "FROM scratch\nRUN true\n".repeat(size), [2_500, 5_000, 10_000], parse);
benchGrowth(
  "line of continuations",
  (size) => `FROM a\nRUN ${"x \\\n".repeat(size)}y\n`,
  [10_000, 20_000, 40_000],
  parse,
);
benchGrowth(
  "words on a 65 kB line",
  (size) => `FROM a\nENV ${"a=b ".repeat(size)}\n`,
  [4_000, 8_000, 16_000],
  parse,
);
benchGrowth("refused lines", (size) => "FRUM x\n".repeat(size), [2_500, 5_000, 10_000], parse);
benchGrowth("heredocs", (size) => `FROM a\n${"RUN <<E\nx\nE\n".repeat(size)}`, [2_500, 5_000, 10_000], parse);
benchGrowth(
  "triggers of triggers",
  (size) => `FROM a\n${"ONBUILD ".repeat(size)}\n`,
  [2_000, 4_000, 8_000],
  parse,
);
benchGrowth(
  "print",
  (size) => parse("FROM scratch\nRUN true\n".repeat(size)).file,
  [2_500, 5_000, 10_000],
  print,
);
const unset = () => undefined;
const expand = (word) => expandWord(word, unset);
benchGrowth(
  "nested ${a:-",
  (size) => "${a:-".repeat(size) + "x" + "}".repeat(size),
  [2_500, 5_000, 10_000],
  expand,
);
benchGrowth("variables in a word", (size) => "$a".repeat(size), [8_000, 16_000, 32_000], expand);
benchGrowth(
  "pattern of stars",
  (size) => "a".repeat(size),
  [16_000, 32_000, 64_000],
  (value) => expandWord("${v//*a*a*b/}", () => value),
);
benchGrowth(
  "ignore: stars",
  (size) => "a".repeat(size),
  [16_000, 32_000, 64_000],
  (path) => compileIgnore("*a*a*a*a*b").matches(path),
);

function benchCorpus() {
  const rows = gunzipSync(readFileSync(CORPUS))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const files = rows.map(({ dockerfile, encoding }) =>
    encoding === "base64" ? Buffer.from(dockerfile, "base64") : dockerfile,
  );
  const first = files.map((file) => time(() => parse(file)));
  const best = files.map((file) => Math.min(...Array.from({ length: 5 }, () => time(() => parse(file)))));
  console.log(`corpus, first time: ${summary(first)}`);
  console.log(`corpus, warm:       ${summary(best)}`);
}

function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.floor((sorted.length - 1) * part)].toFixed(3);
  const total = times.reduce((sum, ms) => sum + ms, 0).toFixed(1);
  return `${times.length} files in ${total} ms; median ${at(0.5)} ms, 99th percentile ${at(0.99)} ms, worst ${at(1)} ms`;
}

function benchGrowth(name, make, sizes, run) {
  const times = sizes.map((size) => {
    const input = make(size);
    return Math.min(...Array.from({ length: 5 }, () => time(() => run(input))));
  });
  const cells = sizes.map((size, index) => `${size}: ${times[index].toFixed(1)} ms`);
  console.log(`${name.padEnd(24)} ${cells.join("  ")}`);
}

/** Time of the processor, which other programs do not lengthen. */
function time(run) {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
