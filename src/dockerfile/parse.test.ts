import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { errorText, type Instruction, parse, parseTrigger } from "./index.ts";

/** The instructions of a text without errors, as `KIND word|word` lines. */
function lines(text: string): string[] {
  const { file, diagnostics } = parse(text);
  assert.deepEqual(diagnostics.map(errorText), []);
  return file.instructions.map(line);
}

function line({ kind, words, flags }: Instruction): string {
  return [kind, ...flags.map(({ text }) => text), words.map(({ value }) => value).join("|")].join(" ").trim();
}

describe("lines", () => {
  const cases: Record<string, [string, string[]]> = {
    "a byte order mark": ["\ufeffFROM a", ["FROM a"]],
    "carriage returns": ["FROM a\r\nRUN b\r\n", ["FROM a", "RUN b"]],
    "any case, any indentation": ["  fRoM a\n\tRun b", ["FROM a", "RUN b"]],
    "blanks behind a continuation": ["FROM a\nRUN b \\ \t\n c", ["FROM a", "RUN b  c"]],
    "an escaped escape does not continue": ["FROM a\nRUN b \\\\\nRUN c", ["FROM a", "RUN b \\\\", "RUN c"]],
    "an escape at the end of the file": ["FROM a\nRUN b \\", ["FROM a", "RUN b"]],
    "an escape by itself": ["FROM \\\n\\\na", ["FROM a"]],
    "comments and empty lines within": ["FROM a\nRUN b \\\n# c\n\n  # d\n e", ["FROM a", "RUN b  e"]],
    "no comment behind an argument": ["FROM a\nWORKDIR /x # y", ["FROM a", "WORKDIR /x # y"]],
    "a backtick that escapes": ["# escape=`\nFROM a\nCOPY x `\n  c:\\", ["FROM a", "COPY x|c:\\"]],
  };
  for (const [name, [text, wanted]] of Object.entries(cases))
    test(name, () => assert.deepEqual(lines(text), wanted));

  test("65,535 bytes are a line, one more are not", () => {
    const text = (length: number) => `FROM a\nRUN ${"x".repeat(length - 4)}\nRUN y\n`;
    assert.equal(lines(text(65_535)).length, 3);
    const { file, diagnostics } = parse(text(65_536));
    assert.equal(file.instructions.length, 1);
    assert.equal(diagnostics[0]?.message, "dockerfile line greater than max allowed size of 65535");
    assert.equal(diagnostics[0]?.line, 2);
  });

  test("the limit is in bytes", () => {
    const { diagnostics } = parse(`FROM a\nRUN ${"é".repeat(32_766)}\n`);
    assert.equal(diagnostics[0]?.code, "syntax/line-too-long");
  });

  test("bytes that are no UTF-8 become one replacement character each", () => {
    const { file } = parse(Uint8Array.of(...Buffer.from("FROM a\nRUN "), 0xe2, 0x82, 0x41, 0xff));
    assert.equal(file.instructions[1]?.words[0]?.value, "\ufffd\ufffdA\ufffd");
  });
});

describe("directives", () => {
  const cases: Record<string, [string, string[]]> = {
    "all three, any case, any blanks": [
      "#SYNTAX=a/b:1 x\n#  Escape = `  \n# check=skip=all\nFROM a",
      ["syntax=a/b:1 x", "escape=`", "check=skip=all"],
    ],
    "none behind a comment": ["# hello\n# escape=`\nFROM a", []],
    "none behind an unknown one": ["# foo=bar\n# escape=`\nFROM a", []],
    "none behind an empty line": ["\n# escape=`\nFROM a", []],
  };
  for (const [name, [text, wanted]] of Object.entries(cases))
    test(name, () => {
      const { directives } = parse(text).file;
      assert.deepEqual(
        directives.map(({ name: key, value }) => `${key}=${value}`),
        wanted,
      );
    });
});

describe("words", () => {
  const cases: Record<string, [string, string]> = {
    "exec form": ['RUN ["a", "b c"]', "RUN a|b c"],
    "exec form with escapes": ['RUN ["\\u0041\\n", "\\ud800"]', "RUN A\n|\ufffd"],
    "an empty exec form": ["RUN []", "RUN"],
    "single quotes are no JSON": ["RUN ['a']", "RUN ['a']"],
    "text behind the array is no JSON": ['RUN ["a"] b', 'RUN ["a"] b'],
    "a number beyond a double is no JSON": ['RUN ["a", 1e999]', 'RUN ["a", 1e999]'],
    "COPY knows no quotes": ['COPY "a b" /c', 'COPY "a|b"|/c'],
    "COPY in JSON": ['COPY ["a b", "/c"]', "COPY a b|/c"],
    "ENV keeps its quotes": ["ENV a=\"b c\" d='e f' g=h\\ i", "ENV a=\"b c\"|d='e f'|g=h\\ i"],
    "the old ENV": ["ENV ONE TWO= THREE=world", "ENV ONE|TWO= THREE=world"],
    "flags lose their quotes": ['COPY --from="a b" --chown=1\\:2 x y', "COPY --from=a b --chown=1:2 x|y"],
    "-- ends the flags": ["RUN -- --mount=x", "RUN --mount=x"],
    "EXPOSE in the order of the line": ["EXPOSE 80 443/tcp", "EXPOSE 80|443/tcp"],
    "HEALTHCHECK splits off its type": ["HEALTHCHECK CMD  a b", "HEALTHCHECK CMD|a b"],
  };
  for (const [name, [text, wanted]] of Object.entries(cases))
    test(name, () => assert.deepEqual(lines(`FROM a\n${text}`).slice(1), [wanted]));
});

describe("heredocs", () => {
  const cases: Record<string, [string, object[]]> = {
    one: ["RUN <<EOT\n x # y\n\nEOT", [{ name: "EOT", content: " x # y\n\n", expand: true, chomp: false }]],
    "several in their order": [
      "COPY <<a <<b /\n1\na\n2\nb",
      [
        { name: "a", content: "1\n", expand: true, chomp: false },
        { name: "b", content: "2\n", expand: true, chomp: false },
      ],
    ],
    quoted: ["RUN <<'E T'\n$x\nE T", [{ name: "E T", content: "$x\n", expand: false, chomp: false }]],
    "tabs before the terminator": [
      "RUN <<-EOT\n\tx\n\tEOT",
      [{ name: "EOT", content: "\tx\n", expand: true, chomp: true }],
    ],
    "behind ONBUILD": ["ONBUILD RUN <<E\nx\nE", [{ name: "E", content: "x\n", expand: true, chomp: false }]],
    "carriage returns stay in the body": [
      "RUN <<E\r\nx\r\nE\r\n",
      [{ name: "E", content: "x\r\n", expand: true, chomp: false }],
    ],
    "a quoted marker is none": ['RUN "<<E"', []],
    "none in exec form": ['RUN ["<<E"]', []],
    "none for other instructions": ["USER <<E", []],
    "none behind three": ["RUN <<<E", []],
    "none when a quote is left open": ["RUN echo ' <<E", []],
  };
  for (const [name, [text, wanted]] of Object.entries(cases))
    test(name, () => {
      const found = parse(`FROM a\n${text}`).file.instructions[1]?.heredocs ?? [];
      const parts = found.map(({ name: word, content, expand, chomp }) => ({
        name: word,
        content,
        expand,
        chomp,
      }));
      assert.deepEqual(parts, wanted);
    });

  test("COPY has them as files, without the tabs of <<-", () => {
    const copy = parse("FROM a\nCOPY <<-x y /z/\n\t1\nx\n").file.instructions[1];
    assert.ok(copy?.kind === "COPY");
    assert.deepEqual(copy.files, [{ name: "x", content: "1\n", expand: true }]);
    assert.deepEqual([copy.sources, copy.destination], [["y"], "/z/"]);
  });
});

describe("instructions", () => {
  const cases: Record<string, [string, object]> = {
    FROM: ["FROM --platform=$P a AS Build", { image: "a", name: "build", platform: "$P" }],
    ARG: ["ARG a b= c=d", { args: [{ key: "a" }, { key: "b", value: "" }, { key: "c", value: "d" }] }],
    LABEL: ["LABEL a=b", { pairs: [{ key: "a", value: "b", legacy: false }] }],
    "the old ENV": ["ENV a b c", { pairs: [{ key: "a", value: "b c", legacy: true }] }],
    RUN: [
      "RUN --network=none --security=insecure --device=v/c=a,required --mount=type=cache,target=/x true",
      { network: "none", security: "insecure", command: { form: "shell", args: ["true"] } },
    ],
    COPY: [
      "COPY --from=b --chown=1 --chmod=755 --link --parents=false --exclude=x --exclude=y a b c/",
      {
        sources: ["a", "b"],
        destination: "c/",
        from: "b",
        chown: "1",
        chmod: "755",
        link: true,
        parents: false,
      },
    ],
    ADD: [
      "ADD --unpack=FALSE --keep-git-dir --checksum=s u /",
      { unpack: false, keepGitDir: true, checksum: "s" },
    ],
    "EXPOSE sorts": ["EXPOSE 9 80 443", { ports: ["443", "80", "9"] }],
    VOLUME: ['VOLUME [" /a ", "/b"]', { volumes: ["/a", "/b"] }],
    HEALTHCHECK: [
      "HEALTHCHECK --interval=1m1.5s --retries=3 CMD a b",
      { test: ["CMD-SHELL", "a b"], intervalNs: 61.5e9, retries: 3, timeoutNs: 0 },
    ],
    "HEALTHCHECK NONE": ["healthcheck none", { test: ["NONE"] }],
    ONBUILD: ["ONBUILD COPY . /", { expression: "COPY . /" }],
    SHELL: ['SHELL ["a", "-c"]', { shell: ["a", "-c"] }],
  };
  for (const [name, [text, wanted]] of Object.entries(cases))
    test(name, () => {
      const instruction = parse(text).file.instructions[0];
      assert.ok(instruction !== undefined && instruction.kind !== "INVALID");
      const found = Object.fromEntries(
        Object.keys(wanted).map((key) => [key, Reflect.get(instruction, key)]),
      );
      assert.deepEqual(found, wanted);
    });

  test("comments above describe stages and arguments", () => {
    const { file } = parse("# V the version\nARG V=1\n# build compiles\n\n# all of it\nFROM a AS build\n");
    assert.equal(file.globalArgs[0]?.args[0]?.docComment, "the version");
    assert.equal(file.stages[0]?.from.docComment, "compiles");
  });

  test("an empty comment begins a new description", () => {
    assert.equal(parse("# b old\n#\n# b new\nFROM a AS b").file.stages[0]?.from.docComment, "new");
  });

  test("stages hold what follows their FROM", () => {
    const { file } = parse("ARG A\nFROM a\nRUN x\nFROM b\n");
    assert.equal(file.globalArgs.length, 1);
    assert.deepEqual(
      file.stages.map(({ index, from, instructions }) => [index, from.image, instructions.length]),
      [
        [0, "a", 1],
        [1, "b", 0],
      ],
    );
  });

  test("ranges lead back to the text", () => {
    const text = "FROM a\n  COPY --from=x \\\n  src \\\n # no\n  /dst/\n";
    const copy = parse(text).file.instructions[1];
    const cut = (range: { start: { offset: number }; end: { offset: number } }) =>
      text.slice(range.start.offset, range.end.offset);
    assert.ok(copy !== undefined);
    assert.deepEqual(
      [copy.keyword, ...copy.flags, ...copy.words].map(({ range }) => cut(range)),
      ["COPY", "--from=x", "src", "/dst/"],
    );
    assert.deepEqual(copy.words[1]?.range.start, { line: 5, column: 3, offset: text.indexOf("/dst/") });
    assert.deepEqual([copy.range.start.line, copy.range.end.line], [2, 5]);
  });

  test("the tree is frozen", () => {
    const { file, diagnostics } = parse("ARG A\nFROM a AS b\nRUN --mount=type=cache,target=/x <<E\nE\nFOO\n");
    const thawed: unknown[] = [];
    const visit = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      if (!Object.isFrozen(value)) thawed.push(value);
      Object.values(value).forEach(visit);
    };
    visit(file);
    visit(diagnostics);
    assert.deepEqual(thawed, []);
  });
});

describe("errors", () => {
  const at = (text: string) => `dockerfile parse error on line 2: ${text}`;
  const cases: [string, string][] = [
    ["FROM a\nFRUM b", at("unknown instruction: FRUM (did you mean FROM?)")],
    ["FROM a\nhullabaloo", at("unknown instruction: hullabaloo")],
    [
      "FROM a\nCOPY x",
      at(
        "COPY requires at least two arguments, but only one was provided. Destination could not be determined",
      ),
    ],
    ["FROM a\nCOPY --form=x y z", at("unknown flag: --form (did you mean from?)")],
    ["FROM a\nCOPY --from y z", at("missing a value on flag: --from")],
    ["FROM a\nCOPY --from=a --from=b y z", at("duplicate flag specified: --from")],
    ["FROM a\nCOPY --link=maybe y z", at("expecting boolean value for flag --link, not: maybe")],
    ["FROM a\nCOPY --link= y z", at("missing a value on flag: --link")],
    ["FROM a\nCOPY x <<E\nE", at("COPY cannot accept a heredoc as a destination")],
    ["FROM a\nUSER", at("USER requires exactly one argument")],
    ["FROM a\nENV", at("ENV requires at least one argument")],
    ["FROM a\nENV =b", at("ENV names can not be blank")],
    ["FROM a\nSHELL bash", at("SHELL requires the arguments to be in JSON form")],
    ["FROM a\nRUN --network=lan x", at('invalid network mode "lan"')],
    ["FROM a\nRUN --security=x y", at('security "x" is not valid')],
    [
      "FROM a\nRUN --mount=from=$x y",
      at("'from' doesn't support variable expansion, define alias stage instead"),
    ],
    ["FROM a\nRUN --mount= y", at("failed to parse csv mounts: EOF")],
    ["FROM a\nRUN --device=a,b y", at("invalid field 'b' must be a key=value pair")],
    ["FROM a\nHEALTHCHECK", at("HEALTHCHECK requires at least one argument")],
    ["FROM a\nHEALTHCHECK CMD", at("Missing command after HEALTHCHECK CMD")],
    ["FROM a\nHEALTHCHECK NONE x", at("HEALTHCHECK NONE takes no arguments")],
    ["FROM a\nHEALTHCHECK TCP x", at('Unknown type "TCP" in HEALTHCHECK (try CMD)')],
    ["FROM a\nHEALTHCHECK --interval=1us CMD x", at('Interval "interval" cannot be less than 1ms')],
    ["FROM a\nHEALTHCHECK --timeout=5 CMD x", at('time: missing unit in duration "5"')],
    ["FROM a\nHEALTHCHECK --retries=-1 CMD x", at("--retries cannot be negative (-1)")],
    ["FROM a\nHEALTHCHECK --retries=x CMD x", at('strconv.ParseInt: parsing "x": invalid syntax')],
    ["FROM a\nONBUILD", at("ONBUILD requires at least one argument")],
    ["FROM a\nONBUILD ONBUILD RUN x", at("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")],
    ["FROM a\nONBUILD FROM b", at("FROM isn't allowed as an ONBUILD trigger")],
    ['FROM a\nVOLUME [" "]', at("VOLUME specified can not be an empty string")],
    ["FROM a\nARG =b", at("ARG names can not be blank")],
    [
      "FROM a\nFROM b AS 1",
      at('invalid name for build stage: "1", name can\'t start with a number or contain symbols'),
    ],
    ["FROM a\nFROM b c", at("FROM requires either one or three arguments")],
    ["", "file with no instructions"],
    ["# only\n", "file with no instructions"],
    ["RUN x", "no build stage in current context"],
    ["FROM a\nENV a", "ENV must have two arguments"],
    ["FROM a\nENV a=b c", 'Syntax error - can\'t find = in "c". Must be of the form: name=value'],
    ['FROM a\nRUN ["a", 1]', "when using JSON array syntax, arrays must be comprised of strings only"],
    ["FROM a\nRUN <<E\nx", "unterminated heredoc"],
    ["# escape=x\nFROM a", "invalid escape token 'x' does not match ` or \\"],
    ["# escape=`\n# escape=`\nFROM a", "only one escape parser directive can be used"],
  ];
  for (const [text, wanted] of cases)
    test(wanted, () => {
      const [first] = parse(text).diagnostics;
      assert.equal(first && errorText(first), wanted);
    });

  test("syntax errors come first, then the others by line", () => {
    const { diagnostics } = parse("RUN x\nFOO\nFROM a\nBAR\nENV a\n");
    assert.deepEqual(
      diagnostics.map(({ code, line: number }) => [number, code]),
      [
        [5, "syntax/key-value"],
        [1, "stage/missing"],
        [2, "instruction/unknown"],
        [4, "instruction/unknown"],
      ],
    );
  });

  test("an error points at what is wrong", () => {
    const [first] = parse("FROM a\nCOPY --chown=1 \\\n  --form=x a b\n").diagnostics;
    assert.equal(
      first?.frame,
      ["  2 | COPY --chown=1 \\", "> 3 |   --form=x a b", "    |   ^^^^^^^^"].join("\n"),
    );
    assert.equal(first?.line, 2);
    assert.match(first?.hint ?? "", /takes --chown, --from/);
  });
});

describe("parseTrigger", () => {
  test("one instruction, with its heredocs", () => {
    const { instruction, diagnostics } = parseTrigger("RUN <<E\nx\nE");
    assert.deepEqual(diagnostics, []);
    assert.equal(instruction?.heredocs[0]?.content, "x\n");
  });

  test("two are none", () => assert.equal(parseTrigger("RUN a\nRUN b").instruction, undefined));
});
