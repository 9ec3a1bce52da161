// The table of the demo: two images side by side, everything computed from the images themselves.

/** @returns {Promise<string>} */
export async function compareImages(engine, { before, after }) {
  const left = await facts(engine, before);
  const right = await facts(engine, after);
  const rows = [
    ["", before, after],
    ["image size", bytes(left.sizeBytes), bytes(right.sizeBytes)],
    ["layers", left.layers, right.layers],
    ["files", left.contents.files, right.contents.files],
    ["shells", names(left.contents.shells), names(right.contents.shells)],
    ["package managers", names(left.contents.packageManagers), names(right.contents.packageManagers)],
    ["setuid programs", left.contents.setuid.length, right.contents.setuid.length],
  ].map((row) => row.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en-US") : cell)));
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)) + 3);
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("")
      .trimEnd(),
  );
  const ratio = left.sizeBytes / right.sizeBytes;
  return `${table.join("\n")}\n\n${after} is ${ratio.toLocaleString("en-US", { maximumFractionDigits: ratio < 10 ? 1 : 0 })} times smaller.\n`;
}

async function facts(engine, name) {
  const image = await engine.images.get(name);
  return {
    sizeBytes: image.sizeBytes,
    layers: image.manifest.layers.length,
    contents: await engine.images.contents(name),
  };
}

function bytes(count) {
  return `${count.toLocaleString("en-US")} bytes`;
}

function names(paths) {
  const unique = [...new Set(paths.map((path) => path.split("/").at(-1)))];
  return unique.length === 0 ? "none" : unique.sort().join(" ");
}
