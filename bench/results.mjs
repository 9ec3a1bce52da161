// bench/results.json, and the tables of docs/benchmarks that are made of it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { fillTables } from "./table.mjs";

const file = "bench/results.json";
const documents = "docs/benchmarks";

/** Workloads that were not measured now keep their figures, unless those are of another machine or there is no such workload. */
export function keepResults({ rows, versions, targets }) {
  const machine = describeMachine();
  const known = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  const isSameMachine = JSON.stringify(known?.machine) === JSON.stringify(machine);
  const measured = new Set(rows.map(({ workload }) => workload));
  const kept = isSameMachine ? known.rows.filter(({ workload }) => !measured.has(workload)) : [];
  const all = [...kept, ...rows];
  const sorted = Object.keys(targets).flatMap((name) => all.filter(({ workload }) => workload === name));
  const versionsNow = { ...(isSameMachine ? known.versions : {}), ...versions };
  const results = { date: new Date().toISOString(), machine, versions: versionsNow, targets, rows: sorted };
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
}

/** Writes the tables into the documents. @returns their names */
export function writeDocuments(targets) {
  const results = { ...JSON.parse(readFileSync(file, "utf8")), targets };
  const names = readdirSync(documents).filter((name) => name.endsWith(".md"));
  return names.filter((name) => {
    const path = join(documents, name);
    const text = readFileSync(path, "utf8");
    const filled = fillTables(text, results);
    if (filled !== text) writeFileSync(path, filled);
    return text.includes("<!-- results ");
  });
}

function describeMachine() {
  return {
    kernel: release(),
    processors: cpus().length,
    model: cpus()[0]?.model,
    memoryBytes: totalmem(),
    node: process.versions.node,
  };
}
