import type { BuildEvent, StepId } from "#build";

/** What BuildKit's rawjson has to repeat with every event of a step. */
export type RawSteps = ReadonlyMap<
  StepId,
  { readonly name: string; readonly inputs: readonly StepId[]; readonly startedMs?: number }
>;

/**
 * One event as one line of BuildKit's `--progress rawjson` (a SolveStatus), or nothing to say yet. Pure.
 * @see https://github.com/moby/buildkit/blob/v0.26.0/client/graph.go
 */
export function rawJson(
  steps: RawSteps,
  event: BuildEvent,
  nowMs: number,
): { steps: RawSteps; line: string } {
  if (event.kind === "warning")
    return {
      steps,
      line: toLine({ warnings: [{ level: 1, short: Buffer.from(event.text).toString("base64") }] }),
    };
  if (event.kind === "planned") {
    const known = new Map(steps);
    for (const { id, name, inputs } of event.steps) known.set(id, { name, inputs });
    return {
      steps: known,
      line: toLine({ vertexes: event.steps.map(({ id, name, inputs }) => ({ digest: id, inputs, name })) }),
    };
  }
  const known = steps.get(event.step) ?? { name: event.step, inputs: [] };
  const next = event.kind === "started" ? { ...known, startedMs: event.timeMs } : known;
  return { steps: new Map(steps).set(event.step, next), line: toLine(status(event, next, nowMs)) };
}

type StepEvent = Exclude<BuildEvent, { readonly kind: "planned" | "warning" }>;

function status(
  event: StepEvent,
  step: { readonly name: string; readonly inputs: readonly StepId[]; readonly startedMs?: number },
  nowMs: number,
): unknown {
  const vertex = {
    digest: event.step,
    inputs: step.inputs,
    name: step.name,
    ...(step.startedMs !== undefined && { started: time(step.startedMs) }),
  };
  switch (event.kind) {
    case "started":
      return { vertexes: [vertex] };
    case "finished":
      return {
        vertexes: [
          {
            ...vertex,
            started: time(step.startedMs ?? event.timeMs),
            completed: time(event.timeMs),
            ...(event.cached && { cached: true }),
          },
        ],
      };
    case "failed":
      return { vertexes: [{ ...vertex, completed: time(event.timeMs), error: event.message }] };
    case "cancelled":
      return { vertexes: [{ ...vertex, completed: time(event.timeMs), error: "context canceled" }] };
    case "note":
      return { logs: [log(event.step, 2, Buffer.from(`${event.text}\n`), nowMs)] };
    case "output":
      return { logs: [log(event.step, event.stream === "stdout" ? 1 : 2, event.chunk, event.timeMs)] };
    case "progress": {
      const { id, label, current, total, done } = event.progress;
      return {
        statuses: [
          {
            id: label === "" ? id : label,
            vertex: event.step,
            current,
            ...(total !== undefined && { total }),
            timestamp: time(nowMs),
            ...(done === true && { completed: time(nowMs) }),
          },
        ],
      };
    }
  }
}

function log(vertex: StepId, stream: 1 | 2, data: Uint8Array, timeMs: number): unknown {
  return { vertex, stream, data: Buffer.from(data).toString("base64"), timestamp: time(timeMs) };
}

function time(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
