import { formatBytes } from "#base";
import type { HistoryLine } from "#engine";
import { defineCommand, type Invocation } from "../command.ts";
import { ago, displayId } from "../image-words.ts";

const historyFlags = {
  format: {
    kind: "string",
    value: "table|json|TEMPLATE",
    summary: "How to print: a table, one JSON object a line, or a Go template",
  },
  human: {
    kind: "boolean",
    short: "H",
    on: true,
    summary: "Sizes and dates for people; --human=false for exact ones",
  },
  "no-trunc": { kind: "boolean", summary: "Print IDs and instructions in full" },
  platform: { kind: "string", value: "OS/ARCH", summary: "Of an image for several platforms, this one's" },
  quiet: { kind: "boolean", short: "q", summary: "Print only IDs" },
} as const;

export const history = defineCommand({
  name: "history",
  summary: "Show how an image came to be, newest instruction first",
  usage: "[OPTIONS] IMAGE",
  flags: historyFlags,
  arity: { min: 1, max: 1 },
  argument: "image",
  examples: [
    { command: "lighter history calculator", explains: "Show which instruction added how many bytes" },
    { command: "lighter history --no-trunc calculator", explains: "Show each instruction in full" },
    {
      command: "lighter history --format '{{.Size}}\\t{{.CreatedBy}}' calculator",
      explains: "Print sizes and instructions alone",
    },
  ],
  run: showHistory,
});

export const imageHistory = defineCommand({ ...history, name: "image history" });

const columns = [
  ["IMAGE", "ID"],
  ["CREATED", "CreatedSince"],
  ["CREATED BY", "CreatedBy"],
  ["SIZE", "Size"],
  ["COMMENT", "Comment"],
] as const;

async function showHistory({
  flags,
  args,
  io,
  openEngine,
}: Invocation<typeof historyFlags>): Promise<number> {
  const { printRows } = await import("../format/print-rows.ts");
  await using engine = await openEngine();
  const { platform } = flags;
  const lines = engine.images.history(args[0] ?? "", platform === undefined ? {} : { platform });
  const rows = lines.map((line) => rowOf(line, flags, io.now()));
  const listing = {
    rows,
    columns: flags.human ? columns : columnsExact,
    titles: { CreatedAt: "CREATED AT" },
  };
  await io.stdout.write(
    flags.quiet ? rows.map(({ ID }) => `${ID}\n`).join("") : printRows(listing, flags.format),
  );
  return 0;
}

const columnsExact = columns.map(([title, field]) =>
  field === "CreatedSince" ? (["CREATED AT", "CreatedAt"] as const) : ([title, field] as const),
);

function rowOf(
  line: HistoryLine,
  flags: { readonly human: boolean; readonly "no-trunc": boolean },
  nowMs: number,
) {
  const text = printable(line.createdBy);
  return {
    Comment: printable(line.comment ?? ""),
    CreatedAt: line.created ?? "N/A",
    CreatedBy: flags["no-trunc"] ? text : ellipsis(text, 45),
    CreatedSince: ago(line.created, nowMs),
    ID: line.id === undefined ? "<missing>" : displayId(line.id, flags["no-trunc"]),
    Size: flags.human ? formatBytes(line.sizeBytes) : String(line.sizeBytes),
  };
}

// An image is hostile input: its history may hold anything, and a terminal must not obey it. Lines stay, as under docker.
function printable(text: string): string {
  return text.replaceAll("\t", " ").replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "?");
}

function ellipsis(text: string, width: number): string {
  const letters = Array.from(text);
  return letters.length <= width ? text : `${letters.slice(0, width - 1).join("")}…`;
}
