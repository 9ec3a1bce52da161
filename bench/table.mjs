/** Medians in seconds, one column an engine; the last says how lighter stands to the fastest peer. */
export function resultsTable(rows) {
  const engines = [...new Set(rows.map((row) => row.engine))];
  const workloads = [...new Set(rows.map((row) => row.workload))];
  const find = (workload, engine) => rows.find((row) => row.workload === workload && row.engine === engine);
  const lines = workloads.map((workload) => {
    const cells = engines.map((engine) => find(workload, engine)?.median.toFixed(3) ?? "");
    return [workload, ...cells, ratio(workload, engines, find)];
  });
  return markdown([["workload (median, s)", ...engines, "fastest peer / lighter"], ...lines]);
}

function ratio(workload, engines, find) {
  const own = find(workload, "lighter")?.median;
  const peers = engines
    .filter((engine) => engine !== "lighter")
    .map((engine) => find(workload, engine)?.median);
  const fastest = Math.min(...peers.filter((median) => median !== undefined));
  return own === undefined || !Number.isFinite(fastest) ? "" : (fastest / own).toFixed(2);
}

function markdown([header, ...rows]) {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line), ""].join("\n");
}
