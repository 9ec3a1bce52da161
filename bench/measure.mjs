import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { medianOf } from "./median.mjs";

const timeProgram = "/usr/bin/time";

/**
 * Rows of one workload: every engine once unmeasured (caches warm, failure told), then in turn, so that a slow minute of
 * the machine meets all of them. Seconds of wall time; memory is the peak of the command and its children, not of a daemon.
 */
export function measure(workload, engines, runs = workload.runs) {
  console.log(`bench: ${workload.name}`);
  const commands = Object.entries(workload.commands)
    .filter(([engine]) => engines[engine] !== undefined)
    .map(([engine, make]) => ({ engine, command: make(engines), seconds: [] }))
    .filter((entry) => worksOnce(workload, entry));
  for (let run = 0; run < runs; run += 1)
    for (const { command, seconds } of commands) seconds.push(timed(workload, command));
  const rows = commands.map(({ engine, command, seconds }) => ({
    workload: workload.name,
    engine,
    median: round(medianOf(seconds)),
    min: round(Math.min(...seconds)),
    max: round(Math.max(...seconds)),
    runs: seconds.length,
    peakMemoryKiB: peakMemory(command),
  }));
  for (const { engine, median, min, max } of rows)
    console.log(`bench:   ${engine} ${median} s (${min} to ${max})`);
  return rows;
}

function worksOnce(workload, { engine, command }) {
  try {
    timed(workload, command);
    return true;
  } catch (error) {
    console.log(`bench:   ${engine} left out: ${error.message.split("\n").slice(0, 3).join(" ")}`);
    return false;
  }
}

function timed(workload, [program, ...args]) {
  const start = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (status !== 0) throw new Error(`status ${status}: ${stderr}`);
  if (workload.expect !== undefined && stdout.toString() !== workload.expect)
    throw new Error(`printed ${JSON.stringify(stdout.toString())}, not ${JSON.stringify(workload.expect)}`);
  return workload.seconds?.(stdout.toString()) ?? seconds;
}

function peakMemory(command) {
  if (!existsSync(timeProgram)) return undefined;
  const { stderr } = spawnSync(timeProgram, ["-f", "%M", ...command], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const kibibytes = Number(stderr.toString().trim().split("\n").at(-1));
  return Number.isFinite(kibibytes) ? kibibytes : undefined;
}

function round(seconds) {
  return Number(seconds.toFixed(4));
}
