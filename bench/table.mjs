import { judge, memoryOf, ratioToBest } from "./targets.mjs";

/**
 * Results as tables: medians in seconds, one column an engine; then how lighter stands to the peers and what it is to be
 * at most; peaks of resident memory, docker's with its daemon.
 */
export function resultsTable(rows, targets = {}) {
  const timed = rows.filter(({ median, failed }) => median !== undefined || failed !== undefined);
  const names = workloadsOf(timed).filter((name) => timed.some((row) => row.workload === name && row.median));
  if (names.length === 0) return "";
  const engines = columnsOf(timed);
  const lines = names.map((workload) => {
    const own = timed.filter((row) => row.workload === workload);
    const cells = engines.map((engine) => secondsCell(own.find((row) => row.engine === engine)));
    const verdicts = judge(own, targets[workload]);
    return [workload, ...cells, ...verdictCells(verdicts, ratioToBest(own))];
  });
  return markdown([["median, s", ...engines, "lighter / peers", "target"], ...lines]);
}

export function memoryTable(rows, targets = {}) {
  const names = workloadsOf(rows).filter((name) =>
    rows.some((row) => row.workload === name && row.peakMemoryKiB !== undefined),
  );
  if (names.length === 0) return "";
  const engines = columnsOf(rows).filter((engine) =>
    rows.some((row) => row.engine === engine && row.peakMemoryKiB !== undefined),
  );
  const judged = names.map((workload) => {
    const own = rows.filter((row) => row.workload === workload);
    return { workload, own, verdicts: judge(own, targets[workload], { memory: true }) };
  });
  const hasTargets = judged.some(({ verdicts }) => verdicts.length > 0);
  const lines = judged.map(({ workload, own, verdicts }) => [
    workload,
    ...engines.map((engine) => memoryCell(own.find((row) => row.engine === engine))),
    ...(hasTargets ? verdictCells(verdicts, "") : []),
  ]);
  const header = ["peak memory, MiB", ...engines, ...(hasTargets ? ["lighter / peers", "target"] : [])];
  return markdown([header, ...lines]);
}

/** Puts the tables of the workloads whose names begin with a word between the marks that name it. */
export function fillTables(text, { rows, targets }) {
  return text.replace(/(<!-- results (.+?) -->\n)[^]*?(<!-- end -->)/g, (_whole, begin, prefix, end) => {
    const chosen = rows.filter(({ workload }) => workload.startsWith(prefix));
    const tables = [resultsTable(chosen, targets), memoryTable(chosen, targets)].filter(Boolean);
    return `${begin}\n${tables.join("\n")}\n${end}`;
  });
}

/** One line a target: met or missed. */
export function verdictsOf(rows, targets) {
  return workloadsOf(rows).flatMap((workload) => {
    const own = rows.filter((row) => row.workload === workload);
    return [false, true].flatMap((memory) =>
      judge(own, targets[workload], { memory }).map(({ is, aim, isMet }) => {
        const word = { true: "met   ", false: "MISSED", undefined: "open  " }[String(isMet)];
        return `${word} ${workload}${memory ? ", memory" : ""}: ${is} (at most ${aim})`;
      }),
    );
  });
}

function columnsOf(rows) {
  return [...new Set(rows.map((row) => row.engine))];
}

function workloadsOf(rows) {
  return [...new Set(rows.map((row) => row.workload))];
}

function verdictCells(verdicts, otherwise) {
  if (verdicts.length === 0) return [otherwise, ""];
  return [verdicts.map(({ is }) => is).join(", "), verdicts.map(({ aim }) => aim).join(", ")];
}

function secondsCell(row) {
  if (row?.failed !== undefined) return `failed: ${brief(row.failed)}`;
  return row?.median?.toFixed(3) ?? "";
}

function brief(reason) {
  const words = reason.replaceAll("|", "/").replaceAll("<", "&lt;");
  return words.length <= 60 ? words : `${words.slice(0, 57)}...`;
}

function memoryCell(row) {
  const kibibytes = row === undefined ? undefined : memoryOf(row);
  return kibibytes === undefined ? "" : (kibibytes / 1024).toFixed(kibibytes < 10_240 ? 1 : 0);
}

function markdown([header, ...rows]) {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line), ""].join("\n");
}
