import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { bounded } from "./bounded.mjs";
import { medianOf } from "./median.mjs";
import { tidy } from "./tidy.mjs";

const timeProgram = "/usr/bin/time";
const own = "lighter";

/** What stands in the place of a figure that there was no time for. */
export const timeIsOver = "the benchmark's time was over";

/**
 * Rows of one workload: every engine once unmeasured (unless `warmUp` is false), then in turn, so that a slow minute of the
 * machine meets all of them; another one begins each round. Seconds are of wall time; memory is the peak of the command with
 * its children, and of the daemon that works for it.
 *
 * A workload has a command for each program; where there are two versions of one (`docker-28`), it is run with each. What
 * fails, or is not over when its `limit` is, has a row that says why. A peer that has used up its `budget` of seconds is not
 * measured again; nor is one that needs twenty seconds and ten times as long as the fastest.
 */
export async function measure(workload, { engines, broken, daemons, work, until, runs = workload.runs }) {
  const entries = entriesOf(workload, { engines, broken, work });
  const left = () => (until - Date.now()) / 1000;
  const context = {
    workload,
    daemons,
    limit: () => Math.max(5, Math.min(workload.limit ?? 60, left() + 60)),
  };
  if (left() <= 0) for (const entry of entries) entry.failed ??= timeIsOver;
  await inTurn(entries, 0, (entry) => begin(entry, context));
  if (workload.warmUp !== false)
    await inTurn(entries, 0, (entry) => once(entry, context, { isWarmUp: true }));
  for (const { engine } of entries) forgetPeaks(daemons[engine]);
  const isUnmeasured = (entry) => entry.texts.length === 0;
  for (let round = 0; round < runs; round += 1)
    await inTurn(entries, round, async (entry) => {
      if (isUnmeasured(entry) || (left() > 0 && hasBudget(entry, entries, workload)))
        await once(entry, context);
    });
  await inTurn(entries, 0, (entry) => finish(entry, context));
  return resultsOf(workload).flatMap((result) => entries.map((entry) => rowOf(result, entry)));
}

/** The rows of a workload that gives several results by one command have a name each. */
export function resultsOf(workload) {
  return workload.results ?? [workload];
}

function entriesOf(workload, { engines, broken, work }) {
  const all = Object.keys({ ...engines, ...broken });
  return all
    .map((engine) => ({ engine, program: engine.split("-")[0], given: engines[engine] }))
    .filter(({ program }) => workload.commands[program] !== undefined)
    .map(({ engine, program, given }) => ({
      engine,
      program,
      words: given && [given].flat(),
      texts: [],
      used: 0,
      first: 0,
      failed: broken[engine],
      ...(given && commandOf(workload, { work, name: engine, [program]: given }, program)),
    }));
}

/** Some look at what an engine has made, which may not be there. */
function commandOf(workload, engine, program) {
  try {
    return { command: workload.commands[program](engine) };
  } catch (error) {
    return { failed: error.message };
  }
}

/** One after the other, another one first in each round; those that failed are passed over. */
async function inTurn(entries, round, task) {
  const start = entries.length === 0 ? 0 : round % entries.length;
  for (const entry of [...entries.slice(start), ...entries.slice(0, start)])
    if (entry.failed === undefined) await task(entry);
}

async function begin(entry, context) {
  if (context.workload.before !== undefined)
    await guarded(entry, context, () => bounded(context.workload.before(entry), { limit: context.limit() }));
}

async function once(entry, context, { isWarmUp = false } = {}) {
  const start = Date.now();
  await guarded(entry, context, async () => {
    const { seconds, stdout } = await bounded(entry.command, { limit: context.limit() });
    const { expect } = context.workload;
    if (expect !== undefined && stdout !== expect)
      throw new Error(`printed ${JSON.stringify(stdout)}, not ${JSON.stringify(expect)}`);
    if (!isWarmUp) entry.texts.push({ wall: seconds, text: stdout });
  });
  const used = (Date.now() - start) / 1000;
  entry.first ||= used;
  entry.used += used;
}

async function finish(entry, context) {
  const { workload, daemons, limit } = context;
  const hasOwnPeak = resultsOf(workload).some(({ peakKiB }) => peakKiB !== undefined);
  if (workload.hasPeak !== false && !hasOwnPeak && existsSync(timeProgram))
    await guarded(entry, context, async () => {
      const command = [timeProgram, "-f", "%M", ...entry.command];
      const { stderr } = await bounded(command, { limit: limit() });
      entry.peakKiB = Number(stderr.trim().split("\n").at(-1)) || undefined;
    });
  entry.daemonPeakKiB = peakOfDaemon(daemons[entry.engine]);
  if (workload.after !== undefined)
    await guarded(entry, context, () => bounded(workload.after(entry), { limit: limit() }));
}

/** What was measured before something failed stays; what has nothing measured failed. */
async function guarded(entry, { workload }, task) {
  try {
    await task();
  } catch (error) {
    console.log(`bench:     ${entry.engine}: ${error.message.split("\n")[0]}`);
    entry.failures = (entry.failures ?? 0) + 1;
    if (entry.texts.length === 0 || entry.failures > 1) entry.failed = error.message.split("\n")[0];
    await tidy(entry);
    if (workload.before !== undefined) entry.failed ??= error.message.split("\n")[0];
  }
}

function hasBudget(entry, entries, { budget = 45 }) {
  if (entry.engine === own) return true;
  const fastest = Math.min(...entries.filter(({ failed }) => failed === undefined).map(({ first }) => first));
  return entry.used < budget && !(entry.first > 20 && entry.first > 10 * fastest);
}

function rowOf(result, entry) {
  const row = { workload: result.name, engine: entry.engine, measured: new Date().toISOString() };
  if (entry.texts.length === 0) return told({ ...row, failed: entry.failed ?? "not measured" });
  const values = (read) => entry.texts.map(({ text }) => read?.(text)).filter((value) => value !== undefined);
  const seconds = result.seconds === undefined ? entry.texts.map(({ wall }) => wall) : values(result.seconds);
  const peaks = values(result.peakKiB);
  const peak = peaks.length > 0 ? Math.max(...peaks) : entry.peakKiB;
  const bytes = values(result.bytes).at(-1);
  return told({
    ...row,
    ...(result.isMemory !== true && {
      median: round(medianOf(seconds)),
      min: round(Math.min(...seconds)),
      max: round(Math.max(...seconds)),
    }),
    runs: entry.texts.length,
    ...(entry.failed !== undefined && { stopped: entry.failed }),
    ...(peak !== undefined && { peakMemoryKiB: peak }),
    ...(bytes !== undefined && { bytes }),
    ...(entry.daemonPeakKiB > 0 && !result.isMemory && { daemonPeakMemoryKiB: entry.daemonPeakKiB }),
  });
}

function told(row) {
  const { workload, engine, failed, median, min, max, runs, peakMemoryKiB, daemonPeakMemoryKiB = 0 } = row;
  const memory =
    peakMemoryKiB === undefined ? "" : `, ${Math.round((peakMemoryKiB + daemonPeakMemoryKiB) / 1024)} MiB`;
  const time = median === undefined ? "" : `${median} s (${min} to ${max})`;
  const what = failed === undefined ? `${time}${memory}, ${runs} runs` : `failed: ${failed}`;
  console.log(`bench:   ${workload}: ${engine} ${what.replace(/^, /, "")}`);
  return row;
}

/** From now on the kernel notes the peak of a daemon's memory anew. */
function forgetPeaks(pid) {
  for (const process of processesOf(pid)) attempt(() => writeFileSync(`/proc/${process}/clear_refs`, "5"));
}

/** The peaks of a daemon and of what it has started (containerd), added up. */
function peakOfDaemon(pid) {
  return processesOf(pid)
    .map((process) => attempt(() => readFileSync(`/proc/${process}/status`, "utf8")) ?? "")
    .map((status) => Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0))
    .reduce((sum, kibibytes) => sum + kibibytes, 0);
}

function processesOf(pid) {
  if (pid === undefined) return [];
  const threads = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  const children = threads.flatMap((thread) =>
    (attempt(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")) ?? "")
      .split(" ")
      .filter(Boolean),
  );
  return [String(pid), ...children];
}

/** Processes end while they are looked at. */
function attempt(task) {
  try {
    return task();
  } catch {
    return undefined;
  }
}

function round(seconds) {
  return Number(seconds.toFixed(4));
}
