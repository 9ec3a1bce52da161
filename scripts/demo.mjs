// The whole idea on real input: builds one Go program the traditional way and in two stages, runs the result and shows
// what is in both images. Needs root; the images stay in the store.
//   node scripts/demo.mjs [--update-readme]     with the table put into README.md
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Engine } from "lighter";
import { compareImages } from "./demo-table.mjs";

process.chdir(join(import.meta.dirname, ".."));
const example = "examples/go-calculator";

say("The traditional way: one stage, and the tools that built the program stay in the image.");
lighter("build", "-t", "calculator:traditional", "-f", `${example}/Dockerfile.traditional`, example);

say(
  "In two stages: the same tools build the same program, and only the program is copied into an empty image.",
);
lighter("build", "-t", "calculator", example);

say("It runs in a container of its own:");
lighter("run", "--rm", "calculator", "6", "x", "7");

say("What is in the two images:");
const engine = new Engine();
try {
  const table = await compareImages(engine, { before: "calculator:traditional", after: "calculator" });
  process.stdout.write(table);
  if (process.argv.includes("--update-readme")) updateReadme(table);
} finally {
  await engine[Symbol.asyncDispose]();
}

function say(sentence) {
  console.log(`\n${sentence}`);
}

function lighter(...args) {
  console.log(`$ lighter ${args.join(" ")}`);
  const { status, signal } = spawnSync("bin/lighter", args, { stdio: "inherit" });
  if (status !== 0) process.exit(signal === null ? (status ?? 1) : 130);
}

function updateReadme(table) {
  const text = readFileSync("README.md", "utf8");
  const block = /(<!-- demo: [^\n]*-->\n```\n)[\s\S]*?(```\n<!-- demo end -->)/;
  writeFileSync(
    "README.md",
    text.replace(block, (_, begin, end) => `${begin}${table}${end}`),
  );
}
