import { formatBytes } from "#base";
import type { HistoryLine } from "#engine";
import { defineCommand, type Invocation } from "../command.ts";
import { ago, displayId } from "../image-words.ts";
import { formatFlag, jsonLines, parseListFormat } from "../list-format.ts";
import { formatTable } from "../table.ts";

const historyFlags = {
  ...formatFlag,
  human: {
    kind: "boolean",
    short: "H",
    on: true,
    summary: "Sizes and dates for people; --human=false for exact ones",
  },
  "no-trunc": { kind: "boolean", summary: "Print IDs and instructions in full" },
  quiet: { kind: "boolean", short: "q", summary: "Print only IDs" },
} as const;

export const history = defineCommand({
  name: "history",
  summary: "Show how an image came to be, newest instruction first",
  usage: "[OPTIONS] IMAGE",
  flags: historyFlags,
  arity: { min: 1, max: 1 },
  argument: "image",
  notYet: ["platform"],
  examples: [
    { command: "lighter history calculator", explains: "Show which instruction added how many bytes" },
    { command: "lighter history --no-trunc calculator", explains: "Show each instruction in full" },
  ],
  run: showHistory,
});

export const imageHistory = defineCommand({ ...history, name: "image history" });

interface Shown {
  readonly id: string;
  readonly created: string;
  readonly createdBy: string;
  readonly size: string;
  readonly comment: string;
}

async function showHistory({
  flags,
  args,
  io,
  openEngine,
}: Invocation<typeof historyFlags>): Promise<number> {
  const format = parseListFormat(flags.format);
  await using engine = await openEngine();
  const lines = engine.images.history(args[0] ?? "");
  const shown = lines.map((line) => show(line, flags, io.now()));
  if (flags.quiet) await io.stdout.write(shown.map((line) => `${line.id}\n`).join(""));
  else if (format === "json")
    await io.stdout.write(jsonLines(lines.map((line, index) => jsonLine(line, shown[index], io.now()))));
  else
    await io.stdout.write(
      formatTable(
        ["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"],
        shown.map((line) => [line.id, line.created, line.createdBy, line.size, line.comment]),
      ),
    );
  return 0;
}

function show(
  line: HistoryLine,
  flags: { readonly human: boolean; readonly "no-trunc": boolean },
  nowMs: number,
): Shown {
  const text = oneLine(line.createdBy);
  return {
    id: line.id === undefined ? "<missing>" : displayId(line.id, flags["no-trunc"]),
    created: flags.human ? ago(line.created, nowMs) : (line.created ?? "N/A"),
    createdBy: flags["no-trunc"] ? text : ellipsis(text, 45),
    size: flags.human ? formatBytes(line.sizeBytes) : String(line.sizeBytes),
    comment: oneLine(line.comment ?? ""),
  };
}

function jsonLine(line: HistoryLine, shown: Shown | undefined, nowMs: number): unknown {
  return {
    Comment: line.comment ?? "",
    CreatedAt: line.created ?? "N/A",
    CreatedBy: shown?.createdBy,
    CreatedSince: ago(line.created, nowMs),
    ID: shown?.id,
    Size: shown?.size,
  };
}

// An image is hostile input: its history may hold anything, and a terminal must not obey it.
function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

function ellipsis(text: string, width: number): string {
  const letters = Array.from(text);
  return letters.length <= width ? text : `${letters.slice(0, width - 1).join("")}…`;
}
