import { formatBytes, type Progress } from "#base";
import { type BuildView, elapsedMs, type StepView } from "./state.ts";
import { cellWidth, fit, plainLine } from "./text.ts";

export interface FrameOptions {
  readonly nowMs: number;
  readonly startedMs: number;
  readonly columns: number;
  readonly rows: number;
  readonly hasColor: boolean;
  /** The last frame: every step, however tall. */
  readonly isFinal: boolean;
}

const outputLines = 6;
const progressLines = 6;
const shownDone = 3;

/** One frame of the terminal, as BuildKit draws it. Pure: no line is wider than the terminal, no escape but colours. */
export function renderFrame(view: BuildView, options: FrameOptions): readonly string[] {
  const steps = view.shown.flatMap((id) => view.steps.get(id) ?? []);
  const blocks = steps.map((step) => stepLines(step, options));
  const body = options.isFinal ? blocks.flat() : clip(steps, blocks, Math.max(1, options.rows - 2));
  return [title(view, options), ...body];
}

function title(view: BuildView, options: FrameOptions): string {
  const steps = [...view.steps.values()];
  const done = steps.filter((step) => step.status === "done" || step.status === "cached").length;
  const seconds = formatSeconds(options.nowMs - options.startedMs);
  const isFinished =
    options.isFinal && steps.every((step) => step.endedMs !== undefined && step.status !== "failed");
  return fit(
    `[+] Building ${seconds} (${done}/${steps.length})${isFinished ? " FINISHED" : ""}`,
    options.columns,
  );
}

/** When all does not fit: ended steps go first, the oldest of them; then the tops of what is left. */
function clip(
  steps: readonly StepView[],
  blocks: readonly (readonly string[])[],
  height: number,
): readonly string[] {
  let total = blocks.reduce((sum, block) => sum + block.length, 0);
  const kept = blocks.filter((block, index) => {
    if (total <= height || steps[index]?.endedMs === undefined) return true;
    total -= block.length;
    return false;
  });
  return kept.flat().slice(-height);
}

function stepLines(step: StepView, options: FrameOptions): readonly string[] {
  const label = {
    waiting: "",
    running: "",
    done: "",
    cached: "CACHED ",
    failed: "ERROR ",
    cancelled: "CANCELED ",
  };
  const head = ` => ${label[step.status]}${plainLine(step.name)}`;
  const seconds = formatSeconds(elapsedMs(step, options.nowMs));
  const lines = [paint(sides(head, seconds, options.columns), step.status, options.hasColor)];
  lines.push(
    ...step.notes.map((note) =>
      paint(fit(` => => ${plainLine(note)}`, options.columns), step.status, options.hasColor),
    ),
  );
  if (step.status !== "running") return lines;
  return [
    ...lines,
    ...progressBlock([...step.progress.values()], options.columns),
    ...step.tail.slice(-outputLines).map((line) => fit(` => => # ${line.text}`, options.columns)),
  ];
}

/** Bars for what is under way; what is done has a line each, or one for all when it is much. */
function progressBlock(all: readonly Progress[], columns: number): readonly string[] {
  const active = all.filter((one) => one.done !== true);
  const done = all.filter((one) => one.done === true);
  const lines = active.slice(0, progressLines).map((one) => progressLine(one, columns));
  if (active.length > progressLines)
    lines.push(fit(` => => and ${active.length - progressLines} more`, columns));
  if (done.length > shownDone) lines.push(sides(" => => done", doneText(done), columns));
  else lines.unshift(...done.map((one) => sides(` => => ${plainLine(one.label)}`, doneAmount(one), columns)));
  return lines;
}

function doneAmount({ current, unit }: Progress): string {
  return `${unit === "bytes" ? formatBytes(current) : current} done`;
}

function doneText(done: readonly Progress[]): string {
  const bytes = done.reduce((sum, one) => sum + (one.unit === "bytes" ? one.current : 0), 0);
  return bytes > 0 ? `${done.length} (${formatBytes(bytes)})` : String(done.length);
}

function progressLine(progress: Progress, columns: number): string {
  const bar =
    columns >= 60 && progress.total !== undefined ? `${drawBar(progress.current, progress.total)} ` : "";
  return sides(` => => ${plainLine(progress.label)}`, `${bar}${amounts(progress)}`, columns);
}

/** `1.2MB / 2.7MB`, `3 / 10`, or what is known of it. */
export function amounts(progress: Progress): string {
  const show = progress.unit === "bytes" ? formatBytes : String;
  const current = show(progress.current);
  return progress.total === undefined ? current : `${current} / ${show(progress.total)}`;
}

function drawBar(current: number, total: number): string {
  const cells = 20;
  const filled = total <= 0 ? cells : Math.min(cells, Math.floor((current / total) * cells));
  return `[${"=".repeat(filled)}${filled < cells ? ">" : ""}${" ".repeat(Math.max(0, cells - filled - 1))}]`;
}

/** `left        right`, the left cut when both do not fit. */
function sides(left: string, right: string, columns: number): string {
  const room = columns - cellWidth(right) - 1;
  if (room < 8) return fit(left, columns);
  const text = fit(left, room);
  return `${text}${" ".repeat(room - cellWidth(text))} ${right}`;
}

/** `3.2s`. */
export function formatSeconds(durationMs: number): string {
  return `${(Math.max(0, durationMs) / 1000).toFixed(1)}s`;
}

const colors: Partial<Record<StepView["status"], number>> = {
  done: 34,
  cached: 34,
  failed: 31,
  cancelled: 33,
};

function paint(text: string, status: StepView["status"], hasColor: boolean): string {
  const color = hasColor ? colors[status] : undefined;
  return color === undefined ? text : `\u001b[${color}m${text}\u001b[0m`;
}

/** The output of steps that failed, for after the last frame. */
export function failureLines(view: BuildView): readonly string[] {
  return [...view.steps.values()]
    .filter((step) => step.status === "failed" && step.tail.length > 0)
    .flatMap((step) => [
      "------",
      ` > ${plainLine(step.name)}:`,
      ...step.tail.map((line) => `${(line.sinceStartMs / 1000).toFixed(3)} ${line.text}`),
      "------",
    ]);
}
