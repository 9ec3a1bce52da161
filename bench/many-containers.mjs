// Starts detached containers, eight at a time, lists them and removes them; prints as JSON the seconds of each and the peaks of
// memory of one such command, and what the engine's own processes hold while they run, in KiB.
//   node bench/many-containers.mjs COUNT PROGRAM [ARG...]
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { engineMemoryKiB } from "./idle-memory.mjs";
import { medianOf } from "./median.mjs";
import { modestLimits } from "./run-scratch.mjs";
import { forceNow } from "./tidy.mjs";

const [count, ...engine] = process.argv.slice(2);
const program = basename(engine[0]);
const limits = program === "podman" ? modestLimits : [];
const names = Array.from({ length: Number(count) }, (_, at) => `bench-many-${at}`);
const one = "bench-many-one";

const start = await timed(async () => {
  const waiting = [...names];
  await Promise.all(Array.from({ length: 8 }, () => lane(waiting)));
});
const engineKiB = engineMemoryKiB(engine);
const lists = [];
for (let run = 0; run < 9; run += 1) lists.push(await timed(() => must(["ps"])));
const listPeakKiB = await peakOf(["ps"]);
const startPeakKiB = await peakOf(starting(one));
await must(removing([one]));
let removePeakKiB;
const remove = await timed(async () => {
  removePeakKiB = await peakOf(removing(names));
});
const list = medianOf(lists);
console.log(JSON.stringify({ start, list, remove, engineKiB, startPeakKiB, listPeakKiB, removePeakKiB }));

async function lane(waiting) {
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) await must(starting(name));
}

function starting(name) {
  return ["run", "-d", "--name", name, ...limits, "golang:1.19", "sleep", "600"];
}

function removing(all) {
  return ["rm", ...forceNow(program), ...all];
}

async function must(words, before = []) {
  const [first, ...rest] = [...before, ...engine, ...words];
  const child = spawn(first, rest, { stdio: ["ignore", "ignore", "inherit"] });
  const status = await new Promise((resolve) => child.once("exit", resolve));
  if (status !== 0) throw new Error(`${words[0]}: status ${status}`);
}

async function peakOf(words) {
  const timeProgram = "/usr/bin/time";
  if (!existsSync(timeProgram)) return await must(words);
  const note = join(tmpdir(), `peak-${process.pid}`);
  await must(words, [timeProgram, "-f", "%M", "-o", note]);
  const peak = Number(readFileSync(note, "utf8"));
  rmSync(note);
  return peak;
}

async function timed(task) {
  const begin = process.hrtime.bigint();
  await task();
  return Number(process.hrtime.bigint() - begin) / 1e9;
}
