// How long planning takes: parse and plan of every Dockerfile of the corpus, then files made to be slow.
//   node bench/plan.mjs
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";

const CORPUS = "../shared/corpora/frontend.jsonl.gz";
mkdirSync(".build", { recursive: true });
const out = mkdtempSync(join(".build", "bench-"));
process.on("exit", () => rmSync(out, { recursive: true, force: true }));
await build({
  entryPoints: ["src/dockerfile/index.ts", "src/plan/index.ts"],
  outdir: out,
  outbase: "src",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  conditions: ["source"],
  packages: "external",
});
const { parse, lintOwn } = await import(pathToFileURL(join(out, "dockerfile/index.mjs")).href);
const { plan } = await import(pathToFileURL(join(out, "plan/index.mjs")).href);
const linux = { os: "linux", architecture: "amd64" };

/** Parses and plans with bases of which only the name is known. */
function planText(text) {
  return plan({ parsed: parse(text), buildPlatform: linux, unresolvedBases: "assume" });
}

if (existsSync(CORPUS)) benchCorpus();
else console.log(`corpus: skipped, no ${CORPUS}`);

const lines = (size, line) => Array.from({ length: size }, (_, index) => line(index)).join("");
const sizes = [2_500, 5_000, 10_000];
benchGrowth("stages that nobody needs", (size) => lines(size, (n) => `FROM a AS s${n}\nRUN x\n`));
benchGrowth(
  "a chain of stages",
  (size) => `FROM a AS s0\n${lines(size, (n) => `FROM s${n} AS s${n + 1}\nENV A${n}=1\n`)}`,
);
benchGrowth("copies from stage to stage", (size) =>
  lines(size, (n) => `FROM a AS s${n}\nRUN x\n${n > 0 ? `COPY --from=s${n - 1} /a /b\n` : ""}`),
);
benchGrowth(
  "copies from other images",
  (size) => `FROM scratch\n${lines(size, (n) => `COPY --from=i${n} /a /b\n`)}`,
);
benchGrowth("ENV and RUN in each stage", (size) =>
  lines(size, (n) => `FROM ${n === 0 ? "a" : `s${n - 1}`} AS s${n}\nENV A${n}=1\nRUN x\n`),
);
benchGrowth("ARG, ENV and RUN in each stage", (size) =>
  lines(size, (n) => `FROM ${n === 0 ? "a" : `s${n - 1}`} AS s${n}\nARG B${n}=2\nENV A${n}=1\nRUN x\n`),
);
benchGrowth("stages that copy from each other, each with ENV and RUN", (size) =>
  lines(size, (n) => `FROM a AS s${n}\nENV A=${n}\nRUN x\n${n > 0 ? `COPY --from=s${n - 1} /a /b\n` : ""}`),
);
benchGrowth(
  "stages on one with many ENVs",
  (size) =>
    `FROM a AS s\n${lines(size, (n) => `ENV A${n}=1\nLABEL b${n}=1\nEXPOSE ${n + 1}\nVOLUME /v${n}\n`)}` +
    `${lines(size, (n) => `FROM s AS t${n}\nRUN x${n}\n`)}FROM scratch\n${lines(size, (n) => `COPY --from=t${n} /a /b\n`)}`,
);
benchGrowth("RUNs under many ENVs", (size) => `FROM a\n${lines(size, (n) => `ENV A${n}=1\nRUN x\n`)}`);
benchGrowth(
  "RUNs behind many ARGs",
  (size) => `FROM a\n${lines(size, (n) => `ARG A${n}=1\n`)}${lines(size, (n) => `RUN x${n}\n`)}`,
);
benchGrowth(
  "one variable set again and again",
  (size) => `FROM a\n${lines(size, (n) => `ENV A=${n} B=$A\nRUN x\n`)}`,
);
benchGrowth(
  "a global ARG for each FROM",
  (size) =>
    `${lines(size, (n) => `ARG A${n}=s${n}\n`)}FROM a AS s0\n${lines(size, (n) => `FROM $A${n} AS s${n + 1}\n`)}`,
);
benchGrowth(
  "lines of 65,535 bytes",
  (size) => `FROM a\n${lines(size / 100, (n) => `ENV A${n}=${"x$Y".repeat(21_840)}\nRUN x\n`)}`,
);
benchGrowth(
  "nested expansions",
  (size) => `FROM a\nENV A=${"${A:-".repeat(size)}x${"}".repeat(size)}\nRUN x\n`,
);
benchGrowth("relative WORKDIRs", (size) => `FROM a\n${lines(size, () => `WORKDIR a\n`)}`);
benchGrowth(
  "mounts of one RUN",
  (size) => `FROM a\nRUN ${lines(size, (n) => `--mount=type=cache,target=/c${n} \\\n`)} x\n`,
);
benchGrowth(
  "ports and volumes",
  (size) => `FROM a\n${lines(size, (n) => `EXPOSE ${n + 1}\nVOLUME /v${n}\n`)}`,
);
benchGrowth(
  "triggers for another stage",
  (size) => `FROM a AS s\n${lines(size, (n) => `ONBUILD RUN x${n}\n`)}FROM s\n`,
);
benchGrowth(
  "checks of every stage",
  (size) => lines(size, (n) => `FROM a AS S${n}\nMAINTAINER x\nRUN $Z${n}\nCMD x\n`),
  (text) => plan({ parsed: parse(text), buildPlatform: linux, unresolvedBases: "assume", allStages: true }),
);
benchGrowth("RUNs", (size) => `FROM a\n${lines(size, (n) => `RUN x${n}\n`)}`);
benchGrowth("unknown variables", (size) => `FROM a\n${lines(size, (n) => `ENV x${n}=$y${n}z\n`)}`);
benchGrowth(
  "triggers that lead from stage to stage",
  (size) =>
    `FROM a AS s0\n${lines(size / 2, (n) => `FROM a AS b${n}\nONBUILD COPY --from=s${n} /a /b\nFROM b${n} AS s${n + 1}\n`)}`,
);
benchGrowth(
  "own rules",
  (size) => lines(size, (n) => `FROM a AS s${n}\nCOPY . .\nRUN npm ci\n`),
  (text) => lintOwn(parse(text).file),
);

function benchCorpus() {
  const rows = gunzipSync(readFileSync(CORPUS))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const texts = rows.map(({ dockerfile, encoding }) => Buffer.from(dockerfile, encoding));
  for (let round = 1; round <= 3; round++) {
    const times = texts.map((text) => time(() => planText(text))).sort((a, b) => a - b);
    const at = (part) => times[Math.floor(times.length * part)].toFixed(3);
    console.log(
      `corpus, round ${round}: ${texts.length} files, median ${at(0.5)} ms, 90 % ${at(0.9)} ms, 99 % ${at(0.99)} ms`,
    );
  }
}

function benchGrowth(name, text, run = planText) {
  const times = sizes.map((size) => {
    const input = text(size);
    return Math.min(
      time(() => run(input)),
      time(() => run(input)),
    );
  });
  console.log(`${name}: ${sizes.map((size, index) => `${size}: ${times[index].toFixed(0)} ms`).join(", ")}`);
}

/** Time of the processor, which other programs do not lengthen. */
function time(run) {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
