// The whole idea on real input: builds a Go program the traditional way and in two stages, and a Python program on a slim base
// and on one with nothing else in it, runs them and shows what is in the images. Needs root; the images stay in the store.
//   node scripts/demo.mjs [--update-readme]     with the tables put into README.md
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Engine } from "lighter";
import { compareImages } from "./demo-table.mjs";

process.chdir(join(import.meta.dirname, ".."));

say("The traditional way: one stage, and the tools that built the program stay in the image.");
build("go-calculator", "traditional");

say(
  "In two stages: the same tools build the same program, and only the program is copied into an empty image.",
);
build("go-calculator");

say("It runs in a container of its own:");
lighter("run", "--rm", "go-calculator", "6", "x", "7");

say("A program that needs an interpreter: on a slim base, and on Python with nothing else beside it.");
build("python-calculator", "slim");
build("python-calculator");
lighter("run", "--rm", "python-calculator", "6", "x", "7");

say("What is in the images:");
const engine = new Engine();
try {
  const tables = [
    await compareImages(engine, { before: "go-calculator:traditional", after: "go-calculator" }),
    await compareImages(engine, { before: "python-calculator:slim", after: "python-calculator" }),
  ].join("\n");
  process.stdout.write(tables);
  if (process.argv.includes("--update-readme")) updateReadme(tables);
} finally {
  await engine[Symbol.asyncDispose]();
}

function say(sentence) {
  console.log(`\n${sentence}`);
}

/** One of the examples, by the Dockerfile with this ending. */
function build(name, form) {
  const example = `examples/${name}`;
  if (form === undefined) lighter("build", "-t", name, example);
  else lighter("build", "-t", `${name}:${form}`, "-f", `${example}/Dockerfile.${form}`, example);
}

function lighter(...args) {
  console.log(`$ lighter ${args.join(" ")}`);
  const { status, signal } = spawnSync("bin/lighter", args, { stdio: "inherit" });
  if (status !== 0) process.exit(signal === null ? (status ?? 1) : 130);
}

function updateReadme(tables) {
  const text = readFileSync("README.md", "utf8");
  const block = /(<!-- demo: [^\n]*-->\n```\n)[\s\S]*?(```\n<!-- demo end -->)/;
  writeFileSync(
    "README.md",
    text.replace(block, (_, begin, end) => `${begin}${tables}${end}`),
  );
}
