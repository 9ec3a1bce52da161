// Measures lighter beside every peer found on the machine, in turn, several times in one run.
//   npm run bench [-- --only build-cold] [--without buildah] [--runs 5] [--minutes 37] [--work DIR] [--quick] [--docs]
// A workload is a file in bench/workloads; --only chooses those whose file names begin so, --without leaves out a peer; both may
// be given several times. --quick tries everything once with small sizes, and writes nothing.
// Everything runs in namespaces of the benchmark's own, with a store for each engine, lighter's too: when it ends, fails or is
// interrupted, nothing is left on the machine, unless --work names a folder for the images that all engines get, to have them
// the next time. It ends by itself: what is not measured when the minutes are over says so. Writes bench/results.json and the
// tables of docs/benchmarks; --docs only lays the figures of bench/results.json into them again.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bounded, endAll } from "../bench/bounded.mjs";
import { furnishBox, place, startBox, watchCgroups } from "../bench/box.mjs";
import { measure, resultsOf, timeIsOver } from "../bench/measure.mjs";
import { findPeers, firstLine, startPeers } from "../bench/peers.mjs";
import { keepResults, writeDocuments } from "../bench/results.mjs";
import { fitsInMemory, stages } from "../bench/stages.mjs";
import { memoryTable, resultsTable, verdictsOf } from "../bench/table.mjs";

process.chdir(join(import.meta.dirname, ".."));
// Node 20 reads these certificates at every start, for 30 ms; they are no part of what is measured.
delete process.env.NODE_EXTRA_CA_CERTS;

const lighter = join(process.cwd(), "bin/lighter");
const temporary = "/var/tmp/lighter-bench-";
const options = readOptions(process.argv.slice(2));
const workloads = await loadWorkloads();
const wanted = workloads.filter(({ file }) => isWanted(file));
const targets = Object.fromEntries(
  workloads.flatMap(({ workload }) => resultsOf(workload).map(({ name, targets }) => [name, targets ?? []])),
);

if (options.docs) console.log(`bench: wrote ${writeDocuments(targets).join(", ")}`);
else if (process.getuid?.() !== 0)
  fail("the benchmark needs root: it makes namespaces and starts dockerd in them");
else if (options.inside !== undefined) await inside();
else if (wanted.length === 0)
  fail(`no workload begins with that; there are ${workloads.map(({ file }) => file).join(", ")}`);
else await outside();

/** Prepares what all engines get, and has each stage run in a box. */
async function outside() {
  const began = Date.now();
  const until = began + options.minutes * 60_000;
  removeForgotten();
  const folder = mkdtempSync(`${temporary}${process.pid}-`);
  const interruption = watchInterruptions();
  const removeCgroups = watchCgroups();
  const measured = { rows: [], versions: {}, times: [], broken: [] };
  try {
    const images = options.work ?? folder;
    await makeArchives(images);
    for (const stage of Object.keys(stages).filter((name) => wanted.some((one) => one.stage === name))) {
      if (interruption.signal !== undefined) break;
      const lack = lackOfSpace(folder, stage);
      if (lack !== undefined) {
        measured.broken.push(lack);
        continue;
      }
      const where = ["--folder", folder, "--work", images, "--until", String(until)];
      const again = [process.execPath, "scripts/bench.mjs", ...process.argv.slice(2)];
      const box = startBox([...again, "--inside", stage, ...where]);
      interruption.end = () => box.end();
      // Its own limits should have ended it long before.
      const timer = setTimeout(() => box.end(), until - Date.now() + 120_000);
      const status = await box.status;
      clearTimeout(timer);
      take(measured, join(folder, `${stage}.json`));
      if (status !== 0) measured.broken.push(`${stage} ended with status ${status}`);
    }
  } catch (error) {
    measured.broken.push(error.message);
  } finally {
    await interruption.end?.();
    removeCgroups();
    console.log(`bench: removing ${folder}`);
    rmSync(folder, { recursive: true, force: true });
  }
  conclude(measured, { began, signal: interruption.signal });
}

/** What a stage has written, as far as it came. */
function take(measured, path) {
  if (!existsSync(path)) return;
  const { rows, versions, times } = JSON.parse(readFileSync(path, "utf8"));
  measured.rows.push(...rows);
  measured.times.push(...times);
  Object.assign(measured.versions, versions);
  if (!options.quick) keepResults({ ...measured, targets });
}

function conclude({ rows, times, broken }, { began, signal }) {
  if (rows.length > 0) console.log(`\n${resultsTable(rows, targets)}\n${memoryTable(rows, targets)}`);
  if (rows.length > 0) console.log(`${verdictsOf(rows, targets).join("\n")}\n`);
  for (const { name, seconds } of times) console.log(`bench: ${seconds.toFixed(0).padStart(4)} s  ${name}`);
  console.log(`bench: ${minutesSince(began)} minutes altogether`);
  if (rows.length > 0 && !options.quick)
    console.log(`bench: wrote bench/results.json, ${writeDocuments(targets).join(", ")}`);
  const failed = rows.filter(({ engine, failed }) => engine === "lighter" && failed !== undefined);
  for (const { workload, failed: reason } of failed) broken.push(`lighter, ${workload}: ${reason}`);
  for (const reason of broken) console.error(`bench: failed: ${reason}`);
  if (signal !== undefined) console.error(`bench: interrupted by ${signal}`);
  process.exitCode = signal !== undefined ? 130 : Number(broken.length > 0);
}

/** Ends what runs when the benchmark is interrupted, or when the `npm run` that started it has ended without it. */
function watchInterruptions() {
  const interruption = { signal: undefined, end: undefined };
  const interrupt = (signal) => {
    interruption.signal ??= signal;
    endAll();
    void interruption.end?.();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => interrupt(signal));
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined)
    setInterval(() => process.ppid !== parent && interrupt("the end of npm"), 1000).unref();
  return interruption;
}

/** The folders of runs that were killed. */
function removeForgotten() {
  for (const name of readdirSync(dirname(temporary))) {
    const pid = new RegExp(`^${basename(temporary)}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    console.log(`bench: removing ${name}, which a run left that was killed`);
    rmSync(join(dirname(temporary), name), { recursive: true, force: true });
  }
}

/** One sentence when the disk is too small for a stage. */
function lackOfSpace(folder, stage) {
  const { gibibytes } = stages[stage];
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / 2 ** 30;
  if (options.quick || free > gibibytes || fitsInMemory(stages[stage])) return undefined;
  return `${stage} need ${gibibytes} GiB below ${dirname(temporary)}, where ${free.toFixed(0)} are free`;
}

async function makeArchives(folder) {
  mkdirSync(folder, { recursive: true });
  if (existsSync(join(folder, "run.tar"))) return;
  console.log("bench: lighter builds the example that all engines get (once, not measured)");
  cpSync("examples/go-calculator", join(folder, "context"), { recursive: true });
  const env = { LIGHTER_ROOT: process.env.LIGHTER_ROOT ?? join(folder, "lighter") };
  const run = async (...args) => await bounded([lighter, ...args], { limit: 600, env });
  await run("build", "-q", "-t", "bench-calculator", join(folder, "context"));
  await run("tag", "bench-calculator", "bench-run");
  await run("save", "--format", "docker", "-o", join(folder, "base.tar"), "golang:1.19");
  await run("save", "--format", "docker", "-o", join(folder, "run.part"), "bench-run");
  renameSync(join(folder, "run.part"), join(folder, "run.tar"));
}

/** In the box: starts the peers and measures the stage's workloads; notes each when it is done. */
async function inside() {
  const { inside: name, folder, work: images } = options;
  const stage = stages[name];
  const began = Date.now();
  const memory = fitsInMemory(stage);
  furnishBox(join(folder, name), { memory });
  process.env.LIGHTER_ROOT = join(place, "lighter");
  console.log(`bench: ${name}, with all stores ${memory ? "in memory" : "on the disk"}`);
  const { engines, peers } = await startEngines(stage, images);
  const versions = { lighter: firstLine(lighter, ["version"]), ...peers.versions };
  const result = { rows: [], versions, times: [{ name: `${name}: to begin`, seconds: since(began) }] };
  const own = wanted.filter((one) => one.stage === name);
  for (const [at, { workload }] of own.entries()) {
    const start = Date.now();
    const left = ((options.until - start) / 60_000).toFixed(0);
    console.log(`bench: ${name} ${at + 1} of ${own.length}, ${left} minutes left: ${workload.name}`);
    const { broken, daemons } = peers;
    const { until, runs } = options;
    result.rows.push(...(await measure(workload, { engines, broken, daemons, work: place, until, runs })));
    result.times.push({ name: workload.name, seconds: since(start) });
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(result));
  }
  // What still kept this process would keep the box.
  setTimeout(() => process.exit(0), 2000).unref();
}

/** What cannot be prepared fails in the cells that need it, not in all. */
async function startEngines(stage, images) {
  const archives = stage.archives.map((file) => join(images, file));
  const isLate = Date.now() > options.until;
  try {
    if (isLate) throw new Error(timeIsOver);
    for (const archive of archives) await bounded([lighter, "load", "-q", "-i", archive], { limit: 180 });
  } catch (error) {
    return { engines: {}, peers: { versions: {}, daemons: {}, broken: { lighter: error.message } } };
  }
  const apart = stage.apart ?? false;
  const peers = await startPeers(findPeers(), { place, archives, without: options.without, apart });
  const more = await stage
    .furnish(images, lighter)
    .catch((error) => console.log(`bench:   not all could be prepared: ${error.message}`));
  return { engines: { lighter, ...peers.commands, ...more }, peers };
}

async function loadWorkloads() {
  const folder = join(process.cwd(), "bench/workloads");
  const names = readdirSync(folder).filter((name) => name.endsWith(".mjs"));
  return Promise.all(
    names.sort().map(async (name) => {
      const { workload } = await import(pathToFileURL(join(folder, name)).href);
      return { file: name.slice(0, -".mjs".length), workload, stage: workload.stage ?? "containers" };
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
      minutes: { type: "string", default: "37" },
      work: { type: "string" },
      quick: { type: "boolean", default: false },
      docs: { type: "boolean", default: false },
      inside: { type: "string" },
      folder: { type: "string" },
      until: { type: "string" },
    },
  });
  const number = (text) => (text === undefined ? undefined : Number(text));
  if (values.quick) {
    values.runs ??= "1";
    const small = { FILES: "2000", MIB: "64", CONTAINERS: "8", TENTHS: "1" };
    for (const [name, size] of Object.entries(small)) process.env[`BENCH_${name}`] ??= size;
  }
  return {
    ...values,
    runs: number(values.runs),
    minutes: number(values.minutes),
    until: number(values.until),
  };
}

function since(time) {
  return (Date.now() - time) / 1000;
}

function minutesSince(time) {
  return (since(time) / 60).toFixed(1);
}

function fail(sentence) {
  console.error(`bench: ${sentence}`);
  process.exit(1);
}
