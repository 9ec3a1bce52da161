/**
 * Results as tables: medians in seconds, one column an engine; then how lighter stands to the peers and what it is to be
 * at most; peaks of resident memory, docker's with its daemon.
 */
export function resultsTable(rows, targets = {}) {
  const engines = columnsOf(rows);
  const lines = workloadsOf(rows).map((workload) => {
    const cells = engines.map((engine) => find(rows, workload, engine)?.median.toFixed(3) ?? "");
    return [workload, ...cells, ...ratioCells(rows, workload, targets[workload])];
  });
  return markdown([["median, s", ...engines, "lighter / best peer", "target"], ...lines]);
}

export function memoryTable(rows) {
  const engines = columnsOf(rows);
  const lines = workloadsOf(rows).map((workload) => [
    workload,
    ...engines.map((engine) => memoryCell(find(rows, workload, engine))),
  ]);
  return markdown([["peak memory, MiB", ...engines], ...lines]);
}

/** Puts the tables of the workloads whose names begin with a word between the marks that name it. */
export function fillTables(text, { rows, targets }) {
  return text.replace(/(<!-- results (.+?) -->\n)[^]*?(<!-- end -->)/g, (_whole, begin, prefix, end) => {
    const chosen = rows.filter(({ workload }) => workload.startsWith(prefix));
    return `${begin}\n${resultsTable(chosen, targets)}\n${memoryTable(chosen)}\n${end}`;
  });
}

function columnsOf(rows) {
  return [...new Set(rows.map((row) => row.engine))];
}

function workloadsOf(rows) {
  return [...new Set(rows.map((row) => row.workload))];
}

function find(rows, workload, engine) {
  return rows.find((row) => row.workload === workload && row.engine === engine);
}

function ratioCells(rows, workload, targets = []) {
  const ratio = (peer) => ratioTo(rows, workload, peer);
  const named = targets.filter(({ peer }) => peer !== undefined);
  if (named.length === 0) return [ratio(undefined), targets.map(({ atMost }) => atMost).join()];
  return [
    named.map(({ peer }) => `${ratio(peer)} of ${peer}`).join(", "),
    named.map(({ peer, atMost }) => `${atMost} of ${peer}`).join(", "),
  ];
}

/** To one peer, or to the fastest. */
function ratioTo(rows, workload, peer) {
  const own = find(rows, workload, "lighter")?.median;
  const peers = rows.filter(
    (row) =>
      row.workload === workload && row.engine !== "lighter" && (peer === undefined || row.engine === peer),
  );
  const fastest = Math.min(...peers.map(({ median }) => median));
  return own === undefined || !Number.isFinite(fastest) ? "" : (own / fastest).toFixed(2);
}

function memoryCell(row) {
  if (row?.peakMemoryKiB === undefined) return "";
  return String(Math.round((row.peakMemoryKiB + (row.daemonPeakMemoryKiB ?? 0)) / 1024));
}

function markdown([header, ...rows]) {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line), ""].join("\n");
}
