// Measures lighter beside every peer found on the machine, in turn, several times in one run.
//   npm run bench [-- --runs 5] [-- --only "run --rm"]
// A workload is a file in bench/workloads. Everything runs in network and mount namespaces of the benchmark's own, with
// stores of its own for the peers: nothing is left on the machine. Writes bench/results.json.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { measure } from "../bench/measure.mjs";
import { findPeers, startPeers } from "../bench/peers.mjs";
import { resultsTable } from "../bench/table.mjs";

process.chdir(join(import.meta.dirname, ".."));
// Node 20 reads these certificates at every start, for 30 ms; they are no part of what is measured.
delete process.env.NODE_EXTRA_CA_CERTS;

const options = readOptions(process.argv.slice(2));
if (process.getuid?.() !== 0)
  fail("the benchmark needs root: it makes namespaces and starts dockerd in them");
if (options.inside === undefined) outside();
else await inside(options.inside);

/** With the host's network: the images that all engines get. */
function outside() {
  const work = mkdtempSync("/var/tmp/lighter-bench-");
  process.on("SIGINT", () => undefined);
  try {
    cpSync("examples/go-calculator", join(work, "context"), { recursive: true });
    console.log("bench: lighter builds the example (once, not measured)");
    lighter("build", "-q", "-t", "bench-calculator", join(work, "context"));
    lighter("tag", "bench-calculator", "bench-run");
    lighter("save", "--format", "docker", "-o", join(work, "base.tar"), "golang:1.19");
    lighter("save", "--format", "docker", "-o", join(work, "run.tar"), "bench-run");
    const again = [process.execPath, "scripts/bench.mjs", ...process.argv.slice(2), "--inside", work];
    const { status } = spawnSync("unshare", ["--net", "--mount", "--", ...again], { stdio: "inherit" });
    process.exitCode = status ?? 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
    lighter("rmi", "-f", "bench-calculator", "bench-run");
  }
}

async function inside(work) {
  must("ip", ["link", "set", "lo", "up"]);
  // On a host with both cgroup versions crun 1.8 stumbles over the second; this mount namespace is ours to change.
  spawnSync("umount", ["--lazy", "/sys/fs/cgroup/unified"], { stdio: "ignore" });
  const workloads = await loadWorkloads(options.only);
  const peers = await startPeers(findPeers(), work);
  try {
    const engines = { lighter: join(process.cwd(), "bin/lighter"), ...peers.commands, work };
    const rows = workloads.flatMap((workload) => measure(workload, engines, options.runs));
    const results = { date: new Date().toISOString(), machine: machine(), versions: peers.versions, rows };
    writeFileSync("bench/results.json", `${JSON.stringify(results, undefined, 2)}\n`);
    console.log(`\n${resultsTable(rows)}\nbench: wrote bench/results.json`);
  } finally {
    await peers.stop();
  }
}

async function loadWorkloads(only) {
  const folder = join(process.cwd(), "bench/workloads");
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".mjs"))
    .sort();
  const modules = await Promise.all(names.map((name) => import(pathToFileURL(join(folder, name)).href)));
  return modules.map((module) => module.workload).filter((workload) => workload.name.includes(only ?? ""));
}

function machine() {
  return {
    kernel: release(),
    processors: cpus().length,
    model: cpus()[0]?.model,
    memoryBytes: totalmem(),
    node: process.versions.node,
  };
}

function readOptions(words) {
  const value = (name) => {
    const index = words.indexOf(name);
    return index < 0 ? undefined : words[index + 1];
  };
  const runs = value("--runs");
  return {
    runs: runs === undefined ? undefined : Number(runs),
    only: value("--only"),
    inside: value("--inside"),
  };
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
