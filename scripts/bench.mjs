// Measures lighter beside every peer found on the machine, in turn, several times in one run.
//   npm run bench [-- --runs 5] [--only build-cold] [--without buildah] [--work DIR] [--docs]
// A workload is a file in bench/workloads; --only chooses those whose file names begin so, --without leaves out a peer; both may
// be given several times.
// Everything runs in network and mount namespaces of the benchmark's own, with stores of its own for lighter (unless
// LIGHTER_ROOT names one) and the peers: nothing is left on the machine, unless --work names a folder that is to be kept for
// the next time. Writes bench/results.json; --docs only lays its figures into docs/benchmarks.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { measure } from "../bench/measure.mjs";
import { findPeers, startPeers } from "../bench/peers.mjs";
import { keepResults, writeDocuments } from "../bench/results.mjs";
import { memoryTable, resultsTable } from "../bench/table.mjs";

process.chdir(join(import.meta.dirname, ".."));
// Node 20 reads these certificates at every start, for 30 ms; they are no part of what is measured.
delete process.env.NODE_EXTRA_CA_CERTS;

const options = readOptions(process.argv.slice(2));
if (options.docs) console.log(`bench: wrote ${writeDocuments().join(", ")}`);
else if (process.getuid?.() !== 0)
  fail("the benchmark needs root: it makes namespaces and starts dockerd in them");
else if (options.inside === undefined) await outside();
else await inside(options.inside);

/** With the host's network: the images that all engines get. */
async function outside() {
  const files = (await loadWorkloads()).map(({ file }) => file);
  if (!files.some(isWanted)) fail(`no workload begins with that; there are ${files.join(", ")}`);
  const work = options.work ?? mkdtempSync("/var/tmp/lighter-bench-");
  process.on("SIGINT", () => undefined);
  // A store of its own, as every engine has: what is measured does not depend on what the user has built, and goes with the rest.
  process.env.LIGHTER_ROOT ??= join(work, "lighter");
  try {
    makeImages(work);
    const again = [process.execPath, "scripts/bench.mjs", ...process.argv.slice(2), "--inside", work];
    const { status } = spawnSync("unshare", ["--net", "--mount", "--", ...again], { stdio: "inherit" });
    process.exitCode = status ?? 1;
  } finally {
    if (options.work === undefined) rmSync(work, { recursive: true, force: true });
  }
}

function makeImages(work) {
  mkdirSync(work, { recursive: true });
  if (existsSync(join(work, "run.tar"))) return;
  cpSync("examples/go-calculator", join(work, "context"), { recursive: true });
  console.log("bench: lighter builds the example (once, not measured)");
  lighter("build", "-q", "-t", "bench-calculator", join(work, "context"));
  lighter("tag", "bench-calculator", "bench-run");
  lighter("save", "--format", "docker", "-o", join(work, "base.tar"), "golang:1.19");
  lighter("save", "--format", "docker", "-o", join(work, "run.tar"), "bench-run");
}

async function inside(work) {
  must("ip", ["link", "set", "lo", "up"]);
  // On a host with both cgroup versions crun 1.8 stumbles over the second; this mount namespace is ours to change.
  spawnSync("umount", ["--lazy", "/sys/fs/cgroup/unified"], { stdio: "ignore" });
  const workloads = await loadWorkloads();
  const wanted = workloads.filter(({ file }) => isWanted(file)).map(({ workload }) => workload);
  const peers = await startPeers(findPeers(), work);
  try {
    const chosen = Object.entries(peers.commands).filter(([name]) => !options.without.includes(name));
    const engines = { lighter: join(process.cwd(), "bin/lighter"), ...Object.fromEntries(chosen) };
    const rows = wanted.flatMap((workload) =>
      measure(workload, { engines, daemons: peers.daemons, work }, options.runs),
    );
    const targets = Object.fromEntries(
      workloads.map(({ workload }) => [workload.name, workload.targets ?? []]),
    );
    console.log(`\n${resultsTable(rows, targets)}\n${memoryTable(rows)}`);
    keepResults({ rows, versions: peers.versions, targets });
    console.log("bench: wrote bench/results.json");
  } finally {
    await peers.stop();
  }
}

async function loadWorkloads() {
  const folder = join(process.cwd(), "bench/workloads");
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".mjs"))
    .sort();
  return Promise.all(
    names.map(async (name) => {
      const { workload } = await import(pathToFileURL(join(folder, name)).href);
      return { file: name.slice(0, -".mjs".length), workload };
    }),
  );
}

function isWanted(file) {
  return options.only.length === 0 || options.only.some((text) => file.startsWith(text));
}

function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      without: { type: "string", multiple: true, default: [] },
      work: { type: "string" },
      docs: { type: "boolean", default: false },
      inside: { type: "string" },
    },
  });
  return { ...values, runs: values.runs === undefined ? undefined : Number(values.runs) };
}

function lighter(...args) {
  must("bin/lighter", args);
}

function must(program, args) {
  const { status, stderr, error } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0)
    throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr.toString().trim()}`);
}

function fail(sentence) {
  console.error(`bench: ${sentence}`);
  process.exit(1);
}
