import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { isLighterError } from "#base";
import { compileIgnore, expandWord, type Instruction, parse, print } from "./index.ts";
import { meaning } from "./testing/meaning.ts";

// Real files with a few characters changed, for a few seconds. The seed of a failure is in its message.
const DURATION_MS = 4_000;
const SLOWEST_MS = 2_000;
const CORPUS = join(process.cwd(), "../shared/corpora/frontend.jsonl.gz");
const SEEDS = [
  "# syntax=a\n# escape=`\nFROM a AS b\nENV a=b `\n  c=d\nRUN <<EOF\nx\nEOF\n",
  'ARG A=1\nFROM --platform=$P a:${A:-x} AS b\nCOPY --from=b --exclude=*.x ["a b", "/c"]\nCMD ["x"]\n',
  "FROM a\nRUN --mount=type=cache,id=x,target=/y --mount=type=secret,id=z \\\n  # c\n\n  a && b\n",
  "FROM a\nCOPY <<-'A' <<B /x/\n\t1\n\tA\n$y\nB\nONBUILD ADD --checksum=x a /\nHEALTHCHECK --interval=5s CMD x\n",
  'FROM a\nLABEL a=${b#x*} c=${d%%?} e=${f//g/h} i=\'j\' k="l $m"\nEXPOSE 80/tcp $p\nSHELL ["a"]\n',
];
const PIECES = [
  "\\",
  '"',
  "'",
  "$",
  "{",
  "}",
  "<<",
  "-",
  "\n",
  "\r",
  " ",
  "\t",
  "#",
  "=",
  ",",
  "`",
  "[",
  "]",
  "\\\n",
  "\0",
  "\ufeff",
  "é",
  "\ud800",
  "ONBUILD ",
  "EOF",
  "*",
  "/",
  "!",
];

test("changed files are parsed, printed and expanded in time", () => {
  const seeds = [...SEEDS, ...corpus()];
  const start = Number(process.env["FUZZ_SEED"] ?? 1);
  let slowest = 0;
  let count = 0;
  for (const end = performance.now() + DURATION_MS; performance.now() < end; count++) {
    const random = generator(start + count);
    const text = change(pick(seeds, random), random);
    const began = performance.now();
    try {
      check(text);
    } catch (error) {
      throw new Error(`seed ${start + count}: ${JSON.stringify(text)}`, { cause: error });
    }
    slowest = Math.max(slowest, performance.now() - began);
  }
  assert.ok(slowest < SLOWEST_MS, `the slowest of ${count} took ${slowest.toFixed(0)} ms`);
});

function corpus(): string[] {
  if (!existsSync(CORPUS)) return [];
  const rows = gunzipSync(readFileSync(CORPUS)).toString("utf8").trim().split("\n");
  return rows.map((row) => JSON.parse(row)).map(({ dockerfile }: { dockerfile: string }) => dockerfile);
}

function check(text: string): void {
  const { file, diagnostics } = parse(text);
  const printed = print(file);
  if (diagnostics.length === 0) assert.deepEqual(meaning(parse(printed).file), meaning(file));
  for (const instruction of file.instructions) expandWords(instruction);
  attempt(() => compileIgnore(text).matches("a/b/c"));
}

function expandWords({ words }: Instruction): void {
  for (const { value } of words)
    attempt(() => expandWord(value, (name) => (name.length > 1 ? "a/b.c" : undefined)));
}

function attempt(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!isLighterError(error, "DOCKERFILE_INVALID", "IGNORE_FILE_INVALID")) throw error;
  }
}

function change(text: string, random: () => number): string {
  let changed = text;
  for (let count = 1 + Math.floor(random() * 5); count > 0; count--) {
    const at = Math.floor(random() * (changed.length + 1));
    const removed = Math.floor(random() * 4);
    changed =
      changed.slice(0, at) + (random() < 0.7 ? pick(PIECES, random) : "") + changed.slice(at + removed);
  }
  return changed;
}

function pick<Item>(items: readonly Item[], random: () => number): Item {
  const item = items[Math.floor(random() * items.length)];
  assert.ok(item !== undefined);
  return item;
}

/** Numbers from 0 to 1 that a seed fixes (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
