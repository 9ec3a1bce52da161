import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { medianOf } from "./median.mjs";

const timeProgram = "/usr/bin/time";

/**
 * Rows of one workload: every engine once unmeasured (caches warm, failure told), then in turn, so that a slow minute of
 * the machine meets all of them. Seconds of wall time; memory is the peak of the command with its children, and of the
 * daemon that works for it.
 *
 * A workload has a command for each program; where there are two versions of one (`docker-28`), it is run with each.
 */
export function measure(workload, { engines, daemons, work }, runs = workload.runs) {
  console.log(`bench: ${workload.name}`);
  const commands = Object.entries(engines)
    .map(([engine, words]) => ({ engine, program: engine.split("-")[0], words }))
    .filter(({ program }) => workload.commands[program] !== undefined)
    .map(({ engine, program, words }) => ({
      engine,
      command: workload.commands[program]({ work, name: engine, [program]: words }),
      seconds: [],
      peaks: [],
    }))
    .flatMap((entry) => tryOnce(workload, entry));
  for (const { engine } of commands) forgetPeaks(daemons[engine]);
  const fastest = Math.min(...commands.map(({ first }) => first));
  for (let run = 0; run < runs; run += 1)
    for (const entry of commands) {
      // Who needs twenty seconds and ten times as long as another is no competition: once is enough.
      if (run > 0 && entry.first > 20 && entry.first > 10 * fastest) continue;
      try {
        const result = timed(workload, entry.command);
        entry.seconds.push(result.seconds);
        if (result.peakKiB !== undefined) entry.peaks.push(result.peakKiB);
        entry.bytes = result.bytes;
      } catch (error) {
        console.log(`bench:   ${entry.engine} failed: ${error.message.split("\n").slice(0, 3).join(" ")}`);
      }
    }
  const rows = commands
    .filter(({ seconds }) => seconds.length > 0)
    .map(({ engine, command, seconds, peaks, bytes }) => ({
      workload: workload.name,
      engine,
      median: round(medianOf(seconds)),
      min: round(Math.min(...seconds)),
      max: round(Math.max(...seconds)),
      runs: seconds.length,
      peakMemoryKiB: peaks.length > 0 ? Math.max(...peaks) : peakMemory(command),
      ...(bytes !== undefined && { bytes }),
      ...(daemons[engine] !== undefined &&
        !workload.isWholeMemory && { daemonPeakMemoryKiB: peakOfDaemon(daemons[engine]) }),
    }));
  for (const { engine, median, min, max, peakMemoryKiB, bytes } of rows) {
    const memory = `${Math.round((peakMemoryKiB ?? 0) / 1024)} MiB`;
    const wrote = bytes === undefined ? "" : `, wrote ${bytes} bytes`;
    console.log(`bench:   ${engine} ${median} s (${min} to ${max}), ${memory}${wrote}`);
  }
  return rows;
}

function tryOnce(workload, entry) {
  try {
    return [{ ...entry, first: timed(workload, entry.command).seconds }];
  } catch (error) {
    console.log(`bench:   ${entry.engine} left out: ${error.message.split("\n").slice(0, 3).join(" ")}`);
    return [];
  }
}

function timed(workload, [program, ...args]) {
  const start = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const text = stdout?.toString() ?? "";
  if (status !== 0) throw new Error(`status ${status}: ${stderr}`);
  if (workload.expect !== undefined && text !== workload.expect)
    throw new Error(`printed ${JSON.stringify(text)}, not ${JSON.stringify(workload.expect)}`);
  return {
    seconds: workload.seconds?.(text) ?? seconds,
    peakKiB: workload.peakKiB?.(text),
    bytes: workload.bytes?.(text),
  };
}

function peakMemory(command) {
  if (!existsSync(timeProgram)) return undefined;
  const { stderr } = spawnSync(timeProgram, ["-f", "%M", ...command], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const kibibytes = Number(stderr.toString().trim().split("\n").at(-1));
  return Number.isFinite(kibibytes) ? kibibytes : undefined;
}

/** From now on the kernel notes the peak of a daemon's memory anew. */
function forgetPeaks(pid) {
  for (const process of processesOf(pid)) writeFileSync(`/proc/${process}/clear_refs`, "5");
}

/** The peaks of a daemon and of what it has started (containerd), added up. */
function peakOfDaemon(pid) {
  return processesOf(pid)
    .map((process) => /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${process}/status`, "utf8"))?.[1])
    .reduce((sum, kibibytes) => sum + Number(kibibytes ?? 0), 0);
}

function processesOf(pid) {
  if (pid === undefined) return [];
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return [String(pid), ...children];
}

function round(seconds) {
  return Number(seconds.toFixed(4));
}
