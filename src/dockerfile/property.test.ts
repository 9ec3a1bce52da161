import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isLighterError } from "#base";
import { compileIgnore, expandWord, parse, parseMount, print, readIgnoreFile } from "./index.ts";
import { meaning } from "./testing/meaning.ts";

fc.configureGlobal({ seed: Number(process.env["FUZZ_SEED"] ?? 1) });

// Bounded in time, not in number: a slow machine runs fewer cases, a pattern that is not linear fails.
const BOUNDS = { interruptAfterTimeLimit: 4_000, numRuns: 3_000, markInterruptAsFailure: false };

const piece = (...words: string[]) => fc.constantFrom(...words);
const KEYWORDS =
  "FROM from ARG ENV LABEL RUN COPY ADD WORKDIR USER VOLUME EXPOSE CMD SHELL HEALTHCHECK ONBUILD FOO # EOF";
const ARGUMENTS = `a b=c A="b 'x \\ " $x \${x:-y} <<EOF <<-'EOF' <<"E ["a","b"] [] AS name 80/tcp -- --from=a --mount=type=cache --link é \u00a0`;
const keyword = piece(...KEYWORDS.split(" "), "# escape=`", "# check=x", "\tEOF", "");
const argument = piece(...ARGUMENTS.split(" "));
const blank = piece(" ", "  ", "\t", " \\\n", "\\\n\n", " \\ \n# c\n", " `\n", "");
const lineEnd = piece("\n", "\r\n", "\n\n", "\nx\nEOF\n", "\n# c\n", "");
const line = fc
  .tuple(keyword, fc.array(fc.tuple(blank, argument), { maxLength: 5 }), lineEnd)
  .map(([first, rest, end]) => first + rest.flat().join("") + end);
const dockerfile = fc
  .tuple(piece("FROM a\n", "", "\ufeff", "# escape=`\n"), fc.array(line, { maxLength: 8 }))
  .map(([start, lines]) => start + lines.join(""));
const anyText = fc.string({ unit: "binary", maxLength: 200 });
const word = fc
  .array(
    piece(
      "a",
      "$a",
      "${",
      "}",
      ":-",
      "-",
      "+",
      "?",
      "#",
      "%",
      "/",
      "*",
      "\\",
      '"',
      "'",
      "$",
      "<<",
      " ",
      "é",
      "😀",
    ),
    {
      maxLength: 30,
    },
  )
  .map((parts) => parts.join(""));
const pattern = fc
  .array(piece("a", "b", "*", "**", "/", "?", "!", "[a-b]", "[^a]", ".", "..", "\\a", "é"), { maxLength: 8 })
  .map((parts) => parts.join(""));
const path = fc
  .array(piece("a", "b", "ab", "é", ".a"), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join("/"));

describe("parse", () => {
  test("never throws, and every diagnostic says where", () => {
    fc.assert(
      fc.property(fc.oneof(dockerfile, anyText, fc.uint8Array({ maxLength: 200 })), (source) => {
        const { file, diagnostics } = parse(source);
        for (const { range, frame, message } of diagnostics) {
          assert.ok(range.start.offset <= range.end.offset && range.end.offset <= file.text.length);
          assert.notEqual(message, "");
          if (file.text !== "") assert.match(frame, /^> /m);
        }
      }),
      BOUNDS,
    );
  });

  test("instructions cover the text in order", () => {
    fc.assert(
      fc.property(dockerfile, (source) => {
        let end = 0;
        for (const {
          range,
          keyword: { value },
          words,
        } of parse(source).file.instructions) {
          assert.ok(range.start.offset >= end && range.end.offset >= range.start.offset, value);
          end = range.end.offset;
          for (const { range: inner } of words)
            assert.ok(
              inner.start.offset >= range.start.offset && inner.end.offset <= range.end.offset,
              value,
            );
        }
      }),
      BOUNDS,
    );
  });

  test("print says the same, and is its own printed form", () => {
    fc.assert(
      fc.property(dockerfile, (source) => {
        const { file, diagnostics } = parse(source);
        fc.pre(diagnostics.length === 0);
        const printed = parse(print(file)).file;
        assert.deepEqual(meaning(printed), meaning(file));
        assert.equal(print(printed), printed.text);
      }),
      BOUNDS,
    );
  });
});

describe("expandWord", () => {
  const lookup = (name: string) => ({ a: "abcabc", b: "" })[name];

  test("answers or refuses", () => {
    fc.assert(
      fc.property(fc.oneof(word, anyText), (text) => {
        refusedAtMost("DOCKERFILE_INVALID", () => expandWord(text, lookup));
      }),
      BOUNDS,
    );
  });

  test("leaves words alone that hold nothing special", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(!/[$'"<\\\ufeff]/.test(text));
        assert.equal(expandWord(text, lookup).text, text);
      }),
      BOUNDS,
    );
  });

  test("patterns match as regular expressions do", () => {
    const glob = fc.array(piece("a", "b", "c", "*", "?"), { maxLength: 6 }).map((parts) => parts.join(""));
    const value = fc.array(piece("a", "b", "c"), { maxLength: 8 }).map((parts) => parts.join(""));
    const toRegex = (text: string, star: string) => text.replaceAll("?", ".").replaceAll("*", star);
    fc.assert(
      fc.property(glob, value, (text, v) => {
        fc.pre(text !== "");
        const expand = (source: string) => expandWord(source, () => v).text;
        assert.equal(expand(`\${v##${text}}`), v.replace(new RegExp(`^${toRegex(text, ".*")}`), ""));
        assert.equal(expand(`\${v/${text}/-}`), v.replace(new RegExp(toRegex(text, ".*")), "-"));
        if (!text.startsWith("#"))
          assert.equal(expand(`\${v#${text}}`), v.replace(new RegExp(`^${toRegex(text, ".*?")}`), ""));
      }),
      BOUNDS,
    );
  });
});

describe("ignore files", () => {
  test("a directory that may contain nothing contains nothing", () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 5 }),
        path,
        fc.array(path, { maxLength: 5 }),
        (lines, parent, inner) => {
          const matcher = refusedAtMost("IGNORE_FILE_INVALID", () => compileIgnore(lines.join("\n")));
          fc.pre(matcher !== undefined);
          if (!matcher.mayContain(parent))
            for (const child of inner) assert.ok(matcher.matches(`${parent}/${child}`));
        },
      ),
      BOUNDS,
    );
  });

  test("reading any text gives clean patterns or a refusal", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const line of readIgnoreFile(text)) assert.ok(line !== "" && !line.includes("\n"));
        refusedAtMost("IGNORE_FILE_INVALID", () => compileIgnore(text));
      }),
      BOUNDS,
    );
  });
});

test("parseMount answers or refuses", () => {
  const field = fc
    .tuple(
      piece("type", "from", "source", "target", "ro", "id", "mode", "uid", "size", "env", "x"),
      piece("=", ""),
      piece("bind", "cache", "1", "a", '"'),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(field, { maxLength: 5 }), (fields) => {
      refusedAtMost("DOCKERFILE_INVALID", () => parseMount(fields.join()));
    }),
    BOUNDS,
  );
});

function refusedAtMost<Value>(
  code: "DOCKERFILE_INVALID" | "IGNORE_FILE_INVALID",
  run: () => Value,
): Value | undefined {
  try {
    return run();
  } catch (error) {
    if (isLighterError(error, code)) return undefined;
    throw error;
  }
}
