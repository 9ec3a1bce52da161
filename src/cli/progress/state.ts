import type { Progress } from "#base";
import type { BuildEvent, StepId } from "#build";
import { emptyLineBuffer, type LineBuffer, lastLine, plainLine, pushLines } from "./text.ts";

/** What a build looks like after some events: the frames of the terminal are drawn from it. */
export interface BuildView {
  /** In the order they were planned. */
  readonly steps: ReadonlyMap<StepId, StepView>;
  /** Steps in the order in which something happened to them. */
  readonly shown: readonly StepId[];
  readonly warnings: readonly string[];
}

export interface StepView {
  readonly name: string;
  readonly status: "waiting" | "running" | "done" | "cached" | "failed" | "cancelled";
  readonly startedMs?: number;
  readonly endedMs?: number;
  /** Sentences about the step, no output of a program. */
  readonly notes: readonly string[];
  readonly progress: ReadonlyMap<string, Progress>;
  /** The last lines of the output, with the time since the step began. */
  readonly tail: readonly TailLine[];
  readonly buffers: { readonly stdout: LineBuffer; readonly stderr: LineBuffer };
  readonly message?: string;
}

export interface TailLine {
  readonly sinceStartMs: number;
  readonly text: string;
}

export const emptyView: BuildView = Object.freeze({ steps: new Map(), shown: [], warnings: [] });

// Enough to explain a failure without scrolling it away.
const tailLines = 40;

/** The view after one more event. Pure. */
export function reduceView(view: BuildView, event: BuildEvent): BuildView {
  switch (event.kind) {
    case "planned":
      return addSteps(view, event.steps);
    case "warning":
      return { ...view, warnings: [...view.warnings, event.text] };
    case "started":
      return update(view, event.step, { status: "running", startedMs: event.timeMs });
    case "progress":
      return update(view, event.step, (step) => ({
        progress: new Map(step.progress).set(event.progress.id, event.progress),
      }));
    case "note":
      return update(view, event.step, (step) => ({ notes: [...step.notes, event.text] }));
    case "output":
      return update(view, event.step, (step) => addOutput(step, event));
    case "finished":
      return end(view, event, { status: event.cached ? "cached" : "done" });
    case "failed":
      return end(view, event, { status: "failed", message: event.message });
    case "cancelled":
      return end(view, event, { status: "cancelled" });
  }
}

function addSteps(
  view: BuildView,
  summaries: readonly { readonly id: StepId; readonly name: string }[],
): BuildView {
  const steps = new Map(view.steps);
  for (const { id, name } of summaries) if (!steps.has(id)) steps.set(id, newStep(name));
  return { ...view, steps };
}

function newStep(name: string): StepView {
  return {
    name,
    status: "waiting",
    notes: [],
    progress: new Map(),
    tail: [],
    buffers: { stdout: emptyLineBuffer, stderr: emptyLineBuffer },
  };
}

type Change = Partial<StepView> | ((step: StepView) => Partial<StepView>);

function update(view: BuildView, id: StepId, change: Change): BuildView {
  const step = view.steps.get(id) ?? newStep(id);
  const changed = { ...step, ...(typeof change === "function" ? change(step) : change) };
  return {
    ...view,
    steps: new Map(view.steps).set(id, changed),
    shown: view.shown.includes(id) ? view.shown : [...view.shown, id],
  };
}

function end(
  view: BuildView,
  event: { readonly step: StepId; readonly timeMs: number },
  result: Partial<StepView>,
): BuildView {
  return update(view, event.step, (step) => {
    const startedMs = step.startedMs ?? event.timeMs;
    const rest = [lastLine(step.buffers.stdout), lastLine(step.buffers.stderr)].filter(
      (text) => text !== undefined,
    );
    return {
      ...result,
      startedMs,
      endedMs: event.timeMs,
      tail: appendTail(step.tail, rest, event.timeMs - startedMs),
      buffers: { stdout: emptyLineBuffer, stderr: emptyLineBuffer },
    };
  });
}

function addOutput(
  step: StepView,
  event: { readonly stream: "stdout" | "stderr"; readonly chunk: Uint8Array; readonly timeMs: number },
): Partial<StepView> {
  const { lines, buffer } = pushLines(step.buffers[event.stream], event.chunk);
  return {
    tail: appendTail(step.tail, lines, event.timeMs - (step.startedMs ?? event.timeMs)),
    buffers: { ...step.buffers, [event.stream]: buffer },
  };
}

function appendTail(
  tail: readonly TailLine[],
  lines: readonly string[],
  sinceStartMs: number,
): readonly TailLine[] {
  if (lines.length === 0) return tail;
  const added = lines.slice(-tailLines).map((text) => ({ sinceStartMs, text: plainLine(text) }));
  return [...tail, ...added].slice(-tailLines);
}

/** How long a step took, or has been taking; zero before it starts. */
export function elapsedMs(step: StepView, nowMs: number): number {
  return step.startedMs === undefined ? 0 : Math.max(0, (step.endedMs ?? nowMs) - step.startedMs);
}
