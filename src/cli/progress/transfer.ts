import { formatBytes, type OnProgress, type Progress } from "#base";
import type { Io } from "../io.ts";
import { Screen } from "./screen.ts";

/** Shows one line for each blob that moves, until it is disposed. */
export interface TransferDisplay extends Disposable {
  readonly onProgress: OnProgress;
}

const frameEveryMs = 100;
const barWidth = 24;

/** Lines that move on a terminal; elsewhere one line when a blob is done. On stderr: the result belongs to stdout. */
export function openTransferDisplay(io: Io, options: { readonly quiet: boolean }): TransferDisplay {
  if (options.quiet) return { onProgress: () => undefined, [Symbol.dispose]: () => undefined };
  return io.stderr.isTerminal && io.env["TERM"] !== "dumb" ? openLines(io) : openLog(io);
}

function openLines(io: Io): TransferDisplay {
  const screen = new Screen(io.stderr);
  const rows = new Map<string, Progress>();
  let drawnMs = 0;
  const draw = () => {
    drawnMs = io.now();
    const width = Math.max(20, io.stderr.columns - 1);
    const shown = [...rows.values()].slice(-Math.max(1, io.stderr.rows - 1));
    screen.draw(shown.map((row) => formatRow(row).slice(0, width)));
  };
  const timer = setInterval(draw, frameEveryMs);
  return {
    onProgress(progress) {
      rows.set(progress.id, progress);
      if (io.now() - drawnMs >= frameEveryMs) draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      if (rows.size > 0) draw();
      screen[Symbol.dispose]();
    },
  };
}

function openLog(io: Io): TransferDisplay {
  return {
    onProgress(progress) {
      if (progress.done === true) void io.stderr.write(`${formatRow(progress)}\n`);
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** `pull 0123456789ab  [====>    ] 12.3MB/45MB`. */
export function formatRow({ label, current, total, done }: Progress): string {
  const amount = formatBytes(current);
  if (done === true) return `${label.padEnd(20)}  ${amount}`;
  if (total === undefined || total === 0) return `${label.padEnd(20)}  ${amount}`;
  const filled = Math.min(barWidth, Math.floor((current / total) * barWidth));
  const bar = `${"=".repeat(filled)}${filled < barWidth ? ">" : ""}`.padEnd(barWidth).slice(0, barWidth);
  return `${label.padEnd(20)}  [${bar}] ${amount}/${formatBytes(total)}`;
}
