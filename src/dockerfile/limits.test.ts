import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileIgnore, expandWord, parse, print } from "./index.ts";

/**
 * Runs `work` on an input and on one eight times its size. What is linear takes about eight times as long, what is
 * quadratic sixty-four: sizes are chosen so that this is far more than the allowance for a busy machine.
 */
function assertLinear<Input>(
  make: (size: number) => Input,
  size: number,
  work: (input: Input) => unknown,
): void {
  const measure = (input: Input): number => {
    const times = Array.from({ length: 4 }, () => {
      // Of the processor, which others may have meanwhile.
      const start = process.cpuUsage();
      work(input);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    });
    return Math.min(...times);
  };
  const small = measure(make(size));
  const large = measure(make(size * 8));
  assert.ok(large < 25 * small + 300, `${size}: ${small.toFixed(1)} ms, ${size * 8}: ${large.toFixed(1)} ms`);
}

const unset = (): undefined => undefined;
const repeat = (text: string) => (size: number) => text.repeat(size);
const file = (text: string) => (size: number) => `FROM a\n${text.repeat(size)}\n`;
const line = (start: string, text: string) => (size: number) => `FROM a\n${start}${text.repeat(size)}\n`;

describe("time grows with the text", () => {
  const parsed: [string, (size: number) => string, number][] = [
    ["stages", repeat("FROM a AS b\nRUN c\n"), 1_250],
    ["refused lines", repeat("FRUM a\n"), 1_250],
    ["comments", repeat("# a\n"), 5_000],
    ["continuations", line("RUN ", "x \\\n"), 5_000],
    ["empty continuations", line("RUN ", "x \\\n\n"), 5_000],
    ["words", line("ENV ", "a=b "), 2_000],
    ["flags", line("COPY ", "--exclude=a "), 650],
    ["flags that are refused", line("RUN ", "--mount=z, "), 650],
    ["arguments with comments", (size) => `${"# a b\n".repeat(size)}${line("ARG ", "c ")(size)}`, 3_000],
    ["elements", (size) => `FROM a\nRUN [${'"a", '.repeat(size)}"b"]\n`, 1_600],
    ["nested arrays", (size) => `FROM a\nRUN ${"[".repeat(size)}${"]".repeat(size)}\n`, 4_000],
    ["triggers of triggers", line("", "ONBUILD "), 1_000],
    ["heredocs", file("RUN <<E\nx\nE\n"), 1_250],
    [
      "heredocs on a line",
      (size) => `FROM a\nCOPY ${"<<E ".repeat(size)}/x/\n${"y\nE\n".repeat(size)}`,
      1_000,
    ],
    ["open heredocs", line("RUN ", "<<E "), 1_000],
    ["open quotes", line("RUN ", "<<'"), 2_000],
    ["blanks", line("RUN ", " \t"), 4_000],
    ["escapes", line("ENV a=", "\\\\"), 4_000],
    ["directive blanks", (size) => `# syntax=${" a".repeat(size)}${" ".repeat(size)}`, 2_500],
  ];
  for (const [name, make, size] of parsed) test(name, () => assertLinear(make, size, parse));

  test("print", () =>
    assertLinear(repeat("FROM a\nrun b \\\n\n c\n# d\n"), 1_250, (text) => print(parse(text).file)));

  const value = "ab".repeat(4_000);
  const words: [string, (size: number) => string, number][] = [
    ["variables", repeat("$a"), 4_000],
    ["digits", repeat("$1"), 4_000],
    ["nested defaults", (size) => "${u:-".repeat(size) + "}".repeat(size), 1_600],
    ["nested defaults with text", (size) => "${u:-xyz".repeat(size) + "}".repeat(size), 1_000],
    ["nested patterns", (size) => "${e#".repeat(size) + "}".repeat(size), 1_600],
    ["nested and left open", repeat('${u:-"'), 1_300],
    ["quotes", repeat("'a'"), 2_600],
  ];
  const env: Readonly<Record<string, string>> = { a: "x", e: "", v: value };
  for (const [name, make, size] of words)
    test(name, () =>
      assertLinear(make, size, (text) => {
        try {
          return expandWord(text, (variable) => env[variable]);
        } catch (error) {
          return error;
        }
      }),
    );

  test("patterns of a substitution", () => {
    assertLinear(repeat("a"), 8_000, (text) => expandWord("${v//*a*a*a*b/x}${v%%*a*a*b}", () => text));
  });

  test("patterns of an ignore file", () => {
    const { matches } = compileIgnore("*a*a*a*a*b\n**/a*/**/a*/**/b\n!**a**a**a**b");
    assertLinear(repeat("a/aa"), 4_000, matches);
  });

  test("long patterns of an ignore file", () => {
    assertLinear(repeat("a*"), 300, (text) => compileIgnore(`${text}b`).matches("a".repeat(200)));
  });
});

describe("what would take all memory or time is refused", () => {
  test("a value that doubles", () => {
    let value = "x".repeat(1024);
    assert.throws(
      () => {
        for (let count = 0; count < 64; count++) value = expandWord("$a$a", () => value).text;
      },
      { code: "DOCKERFILE_INVALID" },
    );
  });

  test("a pattern as long as its value", () => {
    const long = "a?".repeat(20_000);
    const lookup = (name: string) => (name === "p" ? `${"*a?".repeat(10_000)}` : long);
    assert.throws(() => expandWord("${v##$p}", lookup), { code: "DOCKERFILE_INVALID" });
  });

  test("deep nesting does not overflow the stack", () => {
    const depth = 13_000;
    assert.equal(expandWord(`${"${u:-".repeat(depth)}x${"}".repeat(depth)}`, unset).text, "x");
  });
});
