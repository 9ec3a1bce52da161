import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parseDevice } from "./device.ts";
import { expandWord, expandWords } from "./expand.ts";
import { reversePattern, trimPrefix } from "./glob.ts";
import { findHeredocWord, heredocWords, readHeredocWord } from "./heredoc.ts";
import { compileIgnore, detectSyntax, errorText, parse, print } from "./index.ts";
import { readJsonArray } from "./json-array.ts";
import { dumpOf, type Node, treeOf } from "./testing/buildkit-tree.ts";
import { meaning } from "./testing/meaning.ts";
import { splitQuoted } from "./words.ts";

// The reference builder's own answers, from outside the project: https://github.com/moby/buildkit (v0.32.2).
const CORPORA = join(process.cwd(), "../shared/corpora");
const missing = existsSync(CORPORA) ? false : `no corpora at ${CORPORA}`;

interface Row {
  readonly name: string;
  readonly dockerfile: string;
  readonly encoding: "utf8" | "base64";
  readonly status: "ok" | "convertError" | "parseError";
  readonly expected: {
    readonly ast?: Node;
    readonly dump?: string;
    readonly escape?: string;
    readonly parseError?: string;
    readonly convertError?: string;
    readonly syntax?: string;
  };
}

describe("corpora", { skip: missing }, () => {
  test("frontend", () => {
    const rows = readRows(join(CORPORA, "frontend.jsonl.gz"));
    const score = new Score("frontend");
    for (const row of rows) checkRow(row, score);
    score.report();
  });

  test("parser", () => {
    using folder = unpack("parser.tar.gz");
    const score = new Score("parser");
    const root = join(folder.path, "buildkit-parser");
    for (const name of readdirSync(join(root, "testfiles"))) {
      const file = readFileSync(join(root, "testfiles", name, "Dockerfile"));
      const wanted = readFileSync(join(root, "testfiles", name, "result"), "utf8");
      score.equal("", name, `${dumpOf(parse(file).file.instructions)}\n`, wanted);
    }
    for (const name of readdirSync(join(root, "testfiles-negative"))) {
      const { diagnostics } = parse(readFileSync(join(root, "testfiles-negative", name, "Dockerfile")));
      score.equal("", name, diagnostics.length > 0, true);
    }
    const { file } = parse(readFileSync(join(root, "testfile-line/Dockerfile")));
    const lines = file.instructions.map(({ range }) => [range.start.line, range.end.line]);
    score.equal("", "testfile-line", lines, [
      [5, 5],
      [11, 12],
      [17, 31],
    ]);
    score.report();
  });

  test("tables", () => {
    using folder = unpack("tables.tar.gz");
    const read = (name: string) => JSON.parse(readFileSync(join(folder.path, "tables", name), "utf8"));
    const score = new Score("tables");
    checkShell(folder.path, read("shell-lex.json"), score);
    checkParserTables(read("parser.json"), score);
    checkInstructionTables(read("instructions.json"), score);
    checkIgnore(read("patternmatcher.json"), score);
    score.report();
  });
});

function checkRow(row: Row, score: Score): void {
  const { expected } = row;
  const source = row.encoding === "base64" ? Buffer.from(row.dockerfile, "base64") : row.dockerfile;
  const { file, diagnostics } = parse(source);
  if (expected.ast !== undefined) score.equal("ast", row.name, treeOf(file.instructions), expected.ast);
  if (expected.dump !== undefined) score.equal("dump", row.name, dumpOf(file.instructions), expected.dump);
  if (expected.escape !== undefined) score.equal("escape", row.name, file.escape, expected.escape);
  if (row.status !== "parseError")
    score.equal("syntax", row.name, detectSyntax(source)?.image, expected.syntax);
  if (row.status !== "parseError")
    score.equal("print", row.name, meaning(parse(print(file)).file), meaning(file));
  const [first] = diagnostics;
  if (expected.parseError !== undefined)
    score.equal("parseErrors", row.name, first && errorText(first), expected.parseError);
  else if (first !== undefined)
    score.equal("instructionErrors", row.name, errorText(first), expected.convertError);
  else if (expected.convertError?.startsWith("dockerfile parse error"))
    score.equal("instructionErrors", row.name, undefined, expected.convertError);
}

interface ShellCase {
  readonly input: string;
  readonly envs: Readonly<Record<string, string>>;
  readonly expected?: string;
  readonly expectedErr?: boolean;
  readonly matches?: Readonly<Record<string, object>>;
  readonly unmatched?: Readonly<Record<string, object>>;
}

function checkShell(folder: string, tables: Record<string, unknown>, score: Score): void {
  for (const { input, envs, ...wanted } of tables["TestProcessWithMatches.tc"] as ShellCase[]) {
    const answer = attempt(() =>
      expandWord(input, (name) => (Object.hasOwn(envs, name) ? envs[name] : undefined)),
    );
    if (wanted.expectedErr) score.equal("expansion", input, answer instanceof Error, true);
    else
      score.equal("expansion", input, answer instanceof Error ? answer.message : sorted(answer), {
        text: wanted.expected ?? "",
        matched: Object.keys(wanted.matches ?? {}).sort(),
        unmatched: Object.keys(wanted.unmatched ?? {}).sort(),
      });
  }
  for (const [pattern, wanted] of Object.entries(
    tables["TestReversePattern.cases"] as Record<string, string>,
  ))
    score.equal("expansion", pattern, reversePattern(pattern), wanted);
  for (const pattern of tables["TestConvertShellPatternToRegex.invalid"] as string[])
    score.equal(
      "expansion",
      pattern,
      refuses(() => trimPrefix(pattern, "x", true, { left: 100 })),
      true,
    );
  checkEnvVarTest(join(folder, "buildkit-shell/envVarTest"), score);
  checkWordsTest(join(folder, "buildkit-shell/wordsTest"), score);
}

function sorted(answer: { text: string; matched: ReadonlySet<string>; unmatched: ReadonlySet<string> }) {
  return { text: answer.text, matched: [...answer.matched].sort(), unmatched: [...answer.unmatched].sort() };
}

function checkEnvVarTest(path: string, score: Score): void {
  const env: Record<string, string> = { PWD: "/home", SHELL: "bash", KOREAN: "한국어", NULL: "" };
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [platform, source, wanted] = line.split("|").map((part) => part.trim());
    if (line.startsWith("#") || source === undefined || wanted === undefined || platform === "W") continue;
    const answer = attempt(() => expandWord(source, (name) => env[name]).text);
    score.equal("words", line, answer instanceof Error ? "error" : answer, wanted);
  }
}

function checkWordsTest(path: string, score: Score): void {
  const env: Record<string, string> = {};
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const set = /^ENV +([^=]*)=(.*)$/.exec(line);
    if (set !== null) env[set[1] ?? ""] = set[2] ?? "";
    const [source, wanted] = line.split("|");
    if (line.startsWith("#") || set !== null || source === undefined || wanted === undefined) continue;
    const answer = attempt(() => expandWords(source.trim(), (name) => env[name]));
    score.equal("words", line, answer instanceof Error ? ["error"] : answer, wanted.trimStart().split(","));
  }
}

function checkParserTables(tables: Record<string, unknown>, score: Score): void {
  for (const row of tables["TestHeredocsFromLine.srcs"] as {
    line: string;
    heredocNames: string[] | null;
  }[]) {
    // The reference test compares only the heredocs that are found, and finds none when blanks follow `<<-`.
    const wanted = row.line.includes("<<- ") ? [] : (row.heredocNames ?? []);
    score.equal(
      "heredocs",
      row.line,
      heredocWords(row.line).map(({ name }) => name),
      wanted,
    );
  }
  for (const word of tables["TestParseHeredocHelpers.invalidHeredocs"] as string[])
    score.equal(
      "heredocs",
      word,
      refuses(() => readHeredocWord(word)),
      true,
    );
  for (const word of tables["TestParseHeredocHelpers.notHeredocs"] as string[])
    score.equal("heredocs", word, findHeredocWord(word), undefined);
  for (const word of tables["TestParseHeredocHelpers.validHeredocs"] as string[])
    score.equal("heredocs", word, findHeredocWord(word)?.name, "EOF");
  for (const { input, expect } of tables["TestParseWords.tests"] as { input: string[]; expect: string[] }[]) {
    const words = input.flatMap((line) => splitQuoted(line, 0, line.length, "\\").map(({ value }) => value));
    score.equal("words", input.join(), words, expect);
  }
  for (const json of tables["pkg.invalidJSONArraysOfStrings"] as string[])
    score.equal("json", json, readJsonArray(json, 0, json.length), "not-strings");
  for (const [json, wanted] of Object.entries(
    tables["pkg.validJSONArraysOfStrings"] as Record<string, object>,
  )) {
    const answer = readJsonArray(json, 0, json.length);
    const values = typeof answer === "object" ? answer.map(({ value }) => value) : answer;
    score.equal("json", json, values, Object.values(wanted));
  }
}

interface CopyCase {
  readonly dockerfile: string;
  readonly sourcesAndDest: {
    readonly DestPath: string;
    readonly SourcePaths?: string[];
    readonly SourceContents?: { readonly Data: string; readonly Expand: boolean; readonly Path: string }[];
  };
}

interface RunCase {
  readonly dockerfile: string;
  readonly shell: boolean;
  readonly command: string[];
  readonly files?: { readonly Data: string; readonly Name: string; readonly Chomp?: boolean }[];
}

interface DeviceCase {
  readonly input: string;
  readonly expected: { readonly Name: string; readonly Required: boolean } | null;
  readonly expectedErr: string | null;
}

function checkInstructionTables(tables: Record<string, unknown>, score: Score): void {
  for (const { dockerfile, sourcesAndDest: wanted } of tables["TestCopyHeredoc.cases"] as CopyCase[]) {
    const copy = parse(dockerfile).file.instructions[0];
    assert.ok(copy?.kind === "COPY");
    const files = copy.files.map(({ name, content, expand }) => ({
      Data: content,
      Expand: expand,
      Path: name,
    }));
    const answer = { DestPath: copy.destination, SourcePaths: copy.sources, SourceContents: files };
    score.equal("instructions", dockerfile, answer, { SourcePaths: [], SourceContents: [], ...wanted });
  }
  for (const { dockerfile, shell, command, files = [] } of tables["TestRunHeredoc.cases"] as RunCase[]) {
    const run = parse(dockerfile).file.instructions[0];
    assert.ok(run?.kind === "RUN");
    const found = run.heredocs.map(({ content, name, chomp }) => ({
      Data: content,
      Name: name,
      Chomp: chomp,
    }));
    const answer = { shell: run.command.form === "shell", command: run.command.args, files: found };
    const wanted = { shell, command, files: files.map((file) => ({ Chomp: false, ...file })) };
    score.equal("instructions", dockerfile, answer, wanted);
  }
  for (const { input, expected, expectedErr } of tables["TestParseDevice.cases"] as DeviceCase[]) {
    const answer = attempt(() => parseDevice(input));
    const wanted = expected === null ? expectedErr : { name: expected.Name, required: expected.Required };
    score.equal("instructions", input, answer instanceof Error ? answer.message : { ...answer }, wanted);
  }
  checkErrorTables(tables, score);
}

function checkErrorTables(tables: Record<string, unknown>, score: Score): void {
  const cases = tables["TestErrorCases.cases"] as { dockerfile: string; expectedError: string }[];
  const refused = (line: string, wanted: string) =>
    score.equal(
      "instructions",
      line,
      parse(line).diagnostics.some(({ message }) => message.includes(wanted)),
      true,
    );
  for (const { dockerfile, expectedError } of cases) refused(dockerfile, expectedError);
  for (const name of tables["TestCommandsAtLeastOneArgument.commands"] as string[])
    refused(name, `${name} requires at least one argument`);
  for (const name of tables["TestCommandsExactlyOneArgument.commands"] as string[])
    refused(name, `${name} requires exactly one argument`);
  for (const name of tables["TestCommandsNoDestinationArgument.commands"] as string[])
    refused(`${name} arg1`, `${name} requires at least two arguments`);
  for (const name of tables["TestCommandsBlankNames.commands"] as string[])
    refused(`${name} =arg2`, `${name} names can not be blank`);
}

function checkIgnore(tables: Record<string, unknown>, score: Score): void {
  for (const [pattern, path, wanted] of tables["TestMatches.tests"] as [string, string, boolean][])
    score.equal("ignore", `${pattern} ${path}`, compileIgnore([pattern]).matches(path), wanted);
  for (const [patterns, path, wanted] of tables["TestMatches.multiPatternTests"] as [
    string[],
    string,
    boolean,
  ][])
    score.equal("ignore", `${patterns} ${path}`, compileIgnore(patterns).matches(path), wanted);
  const single = tables["pkg.matchTests"] as [string, string, boolean, string | null][];
  for (const [pattern, path, wanted, error] of single) {
    const answer = attempt(() => compileIgnore([pattern]).matches(path));
    score.equal(
      "ignore",
      `${pattern} ${path}`,
      answer instanceof Error ? "$ErrBadPattern" : answer,
      error ?? wanted,
    );
  }
}

function attempt<Value>(run: () => Value): Value | Error {
  try {
    return run();
  } catch (error) {
    return error as Error;
  }
}

function refuses(run: () => unknown): boolean {
  return attempt(run) instanceof Error;
}

/** Counts answers by field, prints one line and fails with the first differences. */
class Score {
  readonly #corpus: string;
  readonly #counts = new Map<string, { right: number; all: number }>();
  readonly #differences: string[] = [];

  constructor(corpus: string) {
    this.#corpus = corpus;
  }

  equal(field: string, name: string, answer: unknown, wanted: unknown): void {
    const count = this.#counts.get(field) ?? { right: 0, all: 0 };
    this.#counts.set(field, count);
    count.all++;
    try {
      assert.deepEqual(answer, wanted);
      count.right++;
    } catch (error) {
      this.#differences.push(`${field}: ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  report(): void {
    const fields = [...this.#counts].map(([field, { right, all }]) => `${field} ${right}/${all}`.trim());
    console.log(`${this.#corpus}: ${fields.join(" ")}`);
    assert.equal(this.#differences.slice(0, 10).join("\n\n"), "");
  }
}

function readRows(path: string): Row[] {
  return gunzipSync(readFileSync(path))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

function unpack(name: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "lighter-corpus-"));
  const { status } = spawnSync("tar", ["-xpf", join(CORPORA, name), "-C", path]);
  assert.equal(status, 0);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
