import type { BuildEvent, StepId } from "#build";
import { amounts, formatSeconds } from "./frame.ts";
import { emptyLineBuffer, type LineBuffer, lastLine, logLine, plainLine, pushLines } from "./text.ts";

/**
 * The log for pipes, as BuildKit writes it: `#5 [builder 2/4] WORKDIR /src`, `#5 CACHED`. Steps run side by side, a log
 * is one line after another: the step at hand keeps the log until it ends or stays silent, the others wait in queues.
 */
export interface PlainLog {
  readonly steps: ReadonlyMap<StepId, PlainStep>;
  readonly current?: StepId;
  readonly lastLineMs: number;
  readonly count: number;
}

interface PlainStep {
  readonly name: string;
  /** Given with the first line that is printed. */
  readonly number?: number;
  readonly startedMs?: number;
  readonly queue: readonly string[];
  readonly hasEnded: boolean;
  readonly buffers: { readonly stdout: LineBuffer; readonly stderr: LineBuffer };
  /** When progress was last told, by its id. */
  readonly toldMs: ReadonlyMap<string, number>;
}

export const emptyPlainLog: PlainLog = Object.freeze({ steps: new Map(), lastLineMs: 0, count: 0 });

/** A silent step gives the log away after this long. */
const patienceMs = 5000;
/** Progress that is not done is told this often. */
const progressEveryMs = 5000;

interface Told {
  readonly log: PlainLog;
  readonly text: string;
}

/** The log after one more event, and the text to write. Pure. */
export function tellEvent(log: PlainLog, event: BuildEvent, nowMs: number): Told {
  if (event.kind === "warning") return { log, text: `WARNING: ${plainLine(event.text)}\n` };
  if (event.kind === "planned") {
    const steps = new Map(log.steps);
    for (const { id, name } of event.steps) if (!steps.has(id)) steps.set(id, newStep(plainLine(name)));
    return { log: { ...log, steps }, text: "" };
  }
  const before = log.steps.get(event.step) ?? newStep(event.step);
  const step = take(before, event, nowMs);
  return drain({ ...log, steps: new Map(log.steps).set(event.step, step) }, nowMs);
}

/** To be called now and then, so that a queue is told though its step stays silent too. */
export function tellQueues(log: PlainLog, nowMs: number): Told {
  return drain(log, nowMs);
}

/** Everything that waits, for the end of the build. */
export function tellRest(log: PlainLog): Told {
  let told: Told = { log, text: "" };
  for (const [id, step] of log.steps) {
    if (step.queue.length === 0) continue;
    const next = tellStep(told.log, id, 0);
    told = { log: next.log, text: told.text + next.text };
  }
  return told;
}

function newStep(name: string): PlainStep {
  return {
    name,
    queue: [],
    hasEnded: false,
    buffers: { stdout: emptyLineBuffer, stderr: emptyLineBuffer },
    toldMs: new Map(),
  };
}

type StepEvent = Exclude<BuildEvent, { readonly kind: "planned" | "warning" }>;

function take(step: PlainStep, event: StepEvent, nowMs: number): PlainStep {
  switch (event.kind) {
    case "started":
      return { ...step, startedMs: event.timeMs };
    case "note":
      return enqueue(step, [plainLine(event.text)]);
    case "progress":
      return takeProgress(step, event, nowMs);
    case "output": {
      const { lines, buffer } = pushLines(step.buffers[event.stream], event.chunk);
      const stamped = lines.map((line) => stamp(step, line, event.timeMs));
      return { ...enqueue(step, stamped), buffers: { ...step.buffers, [event.stream]: buffer } };
    }
    case "finished": {
      const seconds = formatSeconds(event.timeMs - (step.startedMs ?? event.timeMs));
      return end(step, event.timeMs, event.cached ? "CACHED" : `DONE ${seconds}`);
    }
    case "failed":
      return end(step, event.timeMs, `ERROR: ${plainLine(event.message.split("\n", 1)[0] ?? "")}`);
    case "cancelled":
      return end(step, event.timeMs, "CANCELED");
  }
}

function takeProgress(
  step: PlainStep,
  { progress }: Extract<BuildEvent, { readonly kind: "progress" }>,
  nowMs: number,
): PlainStep {
  const told = step.toldMs.get(progress.id);
  const isDue = progress.done === true || (told !== undefined && nowMs - told >= progressEveryMs);
  if (told !== undefined && !isDue) return step;
  const toldMs = new Map(step.toldMs).set(progress.id, nowMs);
  if (!isDue) return { ...step, toldMs };
  const line = `${plainLine(progress.label)} ${amounts(progress)}${progress.done === true ? " done" : ""}`;
  return { ...enqueue(step, [line]), toldMs };
}

function stamp(step: PlainStep, line: string, timeMs: number): string {
  return `${((timeMs - (step.startedMs ?? timeMs)) / 1000).toFixed(3)} ${logLine(line)}`;
}

function end(step: PlainStep, timeMs: number, verdict: string): PlainStep {
  const rest = [lastLine(step.buffers.stdout), lastLine(step.buffers.stderr)]
    .filter((text) => text !== undefined)
    .map((text) => stamp(step, text, timeMs));
  const buffers = { stdout: emptyLineBuffer, stderr: emptyLineBuffer };
  return { ...enqueue(step, [...rest, verdict]), hasEnded: true, buffers };
}

function enqueue(step: PlainStep, lines: readonly string[]): PlainStep {
  return lines.length === 0 ? step : { ...step, queue: [...step.queue, ...lines] };
}

function drain(log: PlainLog, nowMs: number): Told {
  let told: Told = { log, text: "" };
  for (let id = nextStep(told.log, nowMs); id !== undefined; id = nextStep(told.log, nowMs)) {
    const next = tellStep(told.log, id, nowMs);
    told = { log: next.log, text: told.text + next.text };
  }
  return told;
}

/** The step whose queue may be told now: the one at hand, else an ended one, else any that waits. */
function nextStep(log: PlainLog, nowMs: number): StepId | undefined {
  const current = log.current === undefined ? undefined : log.steps.get(log.current);
  if (current !== undefined && current.queue.length > 0) return log.current;
  const isKept = current !== undefined && !current.hasEnded && nowMs - log.lastLineMs < patienceMs;
  if (isKept) return undefined;
  const waiting = [...log.steps].filter(([, step]) => step.queue.length > 0);
  return (waiting.find(([, step]) => step.hasEnded) ?? waiting[0])?.[0];
}

function tellStep(log: PlainLog, id: StepId, nowMs: number): Told {
  const step = log.steps.get(id);
  if (step === undefined) return { log, text: "" };
  const isNew = step.number === undefined;
  const number = step.number ?? log.count + 1;
  const left = log.current === undefined || log.current === id ? undefined : log.steps.get(log.current);
  const lines = [
    ...(left !== undefined && !left.hasEnded ? [`#${left.number} ...`, ""] : []),
    ...(isNew || log.current !== id ? [`#${number} ${step.name}`] : []),
    ...step.queue.map((line) => `#${number} ${line}`),
    ...(step.hasEnded ? [""] : []),
  ];
  const steps = new Map(log.steps).set(id, { ...step, number, queue: [] });
  const { current: _, ...rest } = log;
  const next: PlainLog = {
    ...rest,
    steps,
    ...(!step.hasEnded && { current: id }),
    lastLineMs: nowMs,
    count: Math.max(log.count, number),
  };
  return { log: next, text: lines.map((line) => `${line}\n`).join("") };
}
