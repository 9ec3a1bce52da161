import type { BuildEvent } from "#build";
import type { Io } from "../io.ts";
import { failureLines, renderFrame } from "./frame.ts";
import { emptyPlainLog, tellEvent, tellQueues, tellRest } from "./plain.ts";
import { type RawSteps, rawJson } from "./rawjson.ts";
import { Screen } from "./screen.ts";
import { emptyView, reduceView } from "./state.ts";

export const progressModes = ["auto", "none", "plain", "tty", "quiet", "rawjson"] as const;
export type ProgressMode = (typeof progressModes)[number];

/** Shows the events of a build on stderr until it is disposed. */
export interface Display extends Disposable {
  onEvent(event: BuildEvent): void;
}

/** The display that fits: frames on a terminal, a log in a pipe. */
export function openDisplay(mode: ProgressMode, io: Io): Display {
  switch (mode) {
    case "auto":
      return io.stderr.isTerminal && io.env["TERM"] !== "dumb" ? openFrames(io) : openLog(io);
    case "tty":
      return openFrames(io);
    case "plain":
      return openLog(io);
    case "rawjson":
      return openRaw(io);
    case "none":
    case "quiet":
      return { onEvent: () => undefined, [Symbol.dispose]: () => undefined };
  }
}

const frameEveryMs = 100;

function openFrames(io: Io): Display {
  const screen = new Screen(io.stderr);
  const startedMs = io.now();
  const hasColor = (io.env["NO_COLOR"] ?? "") === "";
  let view = emptyView;
  let drawnMs = 0;
  const draw = (isFinal: boolean) => {
    const { rows } = io.stderr;
    // Erasing to the end of a line that fills the last cell would eat its last letter.
    const columns = Math.max(1, io.stderr.columns - 1);
    drawnMs = io.now();
    screen.draw(renderFrame(view, { nowMs: drawnMs, startedMs, columns, rows, hasColor, isFinal }));
  };
  const timer = setInterval(() => draw(false), frameEveryMs);
  return {
    onEvent(event) {
      view = reduceView(view, event);
      // Work that blocks the event loop starves the timer: events draw too, at most as often.
      if (io.now() - drawnMs >= frameEveryMs) draw(false);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      if (view.shown.length > 0) draw(true);
      screen[Symbol.dispose]();
      const rest = [...failureLines(view), ...view.warnings.map((text) => `WARNING: ${text}`)];
      if (rest.length > 0) void io.stderr.write(`${rest.join("\n")}\n`);
    },
  };
}

function openLog(io: Io): Display {
  let log = emptyPlainLog;
  let view = emptyView;
  const tell = (told: { log: typeof log; text: string }) => {
    log = told.log;
    if (told.text !== "") void io.stderr.write(told.text);
  };
  const timer = setInterval(() => tell(tellQueues(log, io.now())), 1000);
  return {
    onEvent(event) {
      view = reduceView(view, event);
      tell(tellEvent(log, event, io.now()));
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      tell(tellRest(log));
      const rest = failureLines(view);
      if (rest.length > 0) void io.stderr.write(`${rest.join("\n")}\n`);
    },
  };
}

function openRaw(io: Io): Display {
  let steps: RawSteps = new Map();
  return {
    onEvent(event) {
      const next = rawJson(steps, event, io.now());
      steps = next.steps;
      void io.stderr.write(next.line);
    },
    [Symbol.dispose]: () => undefined,
  };
}
