/** A table as docker prints it: columns at least 10 wide with 3 spaces between, the last one unpadded. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  leastWidth = 10,
): string {
  const widths = header.map((title, column) =>
    Math.max(leastWidth, title.length + 3, ...rows.map((row) => (row[column] ?? "").length + 3)),
  );
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join(""),
    )
    .map((line) => `${line}\n`)
    .join("");
}
