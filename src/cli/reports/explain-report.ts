import type { BuildEvent, Preview } from "#build";
import type { Io } from "../io.ts";
import { plainLine } from "../progress/text.ts";

type Format = "text" | "json";

/** What became of a step, and why. */
interface ExplainedStep {
  readonly id: string;
  readonly name: string;
  readonly result: "hit" | "miss" | "failed" | "cancelled" | "done";
  readonly reason?: string;
  readonly miss?: Extract<BuildEvent, { readonly kind: "finished" }>["miss"];
}

/** Gathers what a build tells of its steps, and prints it when disposed, however the build ended. */
export function openExplanation(
  format: string,
  io: Io,
): AsyncDisposable & { onEvent(event: BuildEvent): void } {
  const names = new Map<string, string>();
  const steps = new Map<string, ExplainedStep>();
  return {
    onEvent(event) {
      if (event.kind === "planned") for (const { id, name } of event.steps) names.set(id, name);
      if (event.kind !== "finished" && event.kind !== "failed" && event.kind !== "cancelled") return;
      steps.set(event.step, explained(event, names.get(event.step) ?? event.step));
    },
    async [Symbol.asyncDispose]() {
      const inOrder = [...names.keys()].flatMap((id) => steps.get(id) ?? []).filter(isInstruction);
      await io.stdout.write(format === "json" ? jsonText({ steps: inOrder }) : explainText(inOrder));
    },
  };
}

function explained(
  event: Extract<BuildEvent, { readonly kind: "finished" | "failed" | "cancelled" }>,
  name: string,
): ExplainedStep {
  const common = { id: event.step, name };
  if (event.kind === "cancelled") return { ...common, result: "cancelled" };
  const { reason, miss } = event;
  const why = { ...(reason !== undefined && { reason }), ...(miss !== undefined && { miss }) };
  if (event.kind === "failed") return { ...common, result: "failed", ...why };
  if (event.cached) return { ...common, result: "hit" };
  return { ...common, result: reason === undefined ? "done" : "miss", ...why };
}

/** Steps of the Dockerfile; what the build does around them has no cache to miss. */
function isInstruction({ name }: { readonly name: string }): boolean {
  return name.startsWith("[") && !name.startsWith("[internal]");
}

function explainText(steps: readonly ExplainedStep[]): string {
  return lines(steps.map(({ result, name, reason }) => [result, name, reason]));
}

/** What a build would do. */
export function previewReport({ steps }: Preview, format: string): string {
  if ((format as Format) === "json") return jsonText({ steps });
  return lines(steps.map(({ state, name, reason }) => [state, name, reason]));
}

function lines(rows: readonly (readonly [string, string, string | undefined])[]): string {
  const width = Math.max(0, ...rows.map(([word]) => word.length));
  return rows
    .map(([word, name, reason]) => {
      const why = reason === undefined ? "" : `: ${plainLine(reason)}`;
      return `${word.padEnd(width)}  ${plainLine(name)}${why}\n`;
    })
    .join("");
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
