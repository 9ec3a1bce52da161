import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "../parse.ts";
import { applyFixes } from "./apply-fixes.ts";
import { buildChecks } from "./build-checks.ts";
import { isRuleOn, mergeCheckComments, parseCheckOptions } from "./check-options.ts";
import { lintOwn, ownRules } from "./own/lint-own.ts";
import { isSecretName } from "./secret-name.ts";

describe("check options", () => {
  const rules = [
    buildChecks.stageNameCasing,
    buildChecks.fromAsCasing,
    buildChecks.invalidDefinitionDescription,
  ];
  const rows: readonly (readonly [string, readonly string[], string])[] = [
    ["", [], "StageNameCasing FromAsCasing"],
    ["skip=StageNameCasing", [], "FromAsCasing"],
    [" skip = FromAsCasing , StageNameCasing ", [], ""],
    ["skip=all", [], ""],
    ["skip=all;experimental=all", [], "InvalidDefinitionDescription"],
    [
      "skip=all;experimental=InvalidDefinitionDescription;error=true",
      [],
      "InvalidDefinitionDescription error",
    ],
    ["", ["check=skip=FromAsCasing // because"], "StageNameCasing"],
    ["skip=StageNameCasing", ["words", "CHECK = skip=FromAsCasing"], ""],
    ["", ["check=nonsense"], "StageNameCasing FromAsCasing"],
    ["", ["check=error=true"], "StageNameCasing FromAsCasing"],
  ];
  for (const [text, comments, wanted] of rows)
    test(JSON.stringify([text, ...comments]), () => {
      const options = mergeCheckComments(parseCheckOptions(text), comments);
      const on = rules.filter((rule) => isRuleOn(options, rule)).map(({ name }) => name);
      assert.equal([...on, ...(options.error ? ["error"] : [])].join(" "), wanted);
    });

  const refused: readonly (readonly [string, string])[] = [
    ["skip", 'invalid check option "skip"'],
    ["hop=all", 'invalid check option "hop"'],
    [
      "error=maybe",
      'failed to parse check option "error=maybe": strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
  ];
  for (const [text, message] of refused)
    test(`refused: ${text}`, () => assert.throws(() => parseCheckOptions(text), { message }));
});

test("names of secrets", () => {
  for (const name of ["API_KEY", "password", "GITHUB_TOKEN", "auth", "my_Secret_x"])
    assert.ok(isSecretName(name), name);
  for (const name of ["KEYBOARD", "PUBLIC_KEY", "PASSWORD_FILE", "TOKENS", "AUTHOR"])
    assert.ok(!isSecretName(name), name);
});

test("every rule has a name of its own and says where it comes from", () => {
  const rules = [...Object.values(buildChecks), ...ownRules.map(({ rule }) => rule)];
  assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length);
  assert.equal(rules.filter(({ origin }) => origin === "buildkit").length, 22);
});

/** Findings as `Rule line`, without the two that nearly every small example has. */
function found(text: string): string[] {
  return lintOwn(parse(text).file)
    .filter(({ rule }) => rule !== "UnpinnedBase" && rule !== "RunningAsRoot")
    .map(({ rule, range }) => `${rule} ${range.start.line}`);
}

describe("own rules", () => {
  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    [
      "a cache mount keeps the lists out",
      "FROM a\nRUN --mount=type=cache,target=/var/lib/apt apt-get install -y curl",
      [],
    ],
    [
      "a stage that is not in the image may keep them",
      "FROM a AS b\nRUN apt-get install -y curl\nFROM a",
      [],
    ],
    [
      "the base of the final stage is in the image",
      "FROM a AS b\nRUN apk add curl\nFROM b",
      ["PackageCacheKept 2"],
    ],
    ["pip that is told once", "FROM a\nENV PIP_NO_CACHE_DIR=1\nRUN pip install x", []],
    ["exec form is left alone", 'FROM a\nRUN ["apt-get", "install", "x"]', []],
    [
      "continuations and comments",
      "FROM a\nRUN apt-get update \\\n# apt-get clean\n && apt-get install -y \\\n curl",
      ["PackageCacheKept 2"],
    ],
    ["tools that go again", "FROM a\nRUN apk add --no-cache gcc && make && apk del gcc", []],
    ["tools that stay", "FROM a\nRUN apk add --no-cache gcc g++ git", ["BuildToolsKept 2"]],
    ["a compiler image in front", "FROM golang AS b\nRUN x\nFROM scratch\nCOPY --from=b /x /x", []],
    [
      "manifests first",
      "FROM node\nCOPY package.json ./\nRUN npm ci && npm cache clean --force\nCOPY . .",
      [],
    ],
    [
      "installation behind the sources",
      "FROM x\nCOPY . .\nRUN a\nRUN go mod download",
      ["CopyBeforeInstall 2"],
    ],
    ["a secret file", "FROM a\nCOPY .npmrc id_rsa /root/", ["SecretInLayer 2"]],
    ["an example of one", "FROM a\nCOPY .env.example /", []],
    ["a public key from the web", "FROM a\nADD https://x.org/repo.key /", []],
    ["a token written out", `FROM a\nRUN curl -H "X: ghp_${"a".repeat(36)}" x`, ["SecretInLayer 2"]],
    ["a secret ARG that no RUN names", "FROM a\nARG TOKEN\nRUN x", []],
    ["a final stage with a shell", "FROM golang AS b\nFROM alpine\nCOPY --from=b /x /x\nCMD /x", []],
    [
      "a final stage that only starts",
      'FROM rust AS b\nRUN cargo build --target x86_64-unknown-linux-musl\nFROM debian\nCOPY --from=b /x /x\nCMD ["/x"]',
      ["SmallerFinalBase 3"],
    ],
    ["skipped above the instruction", "FROM a\n# check=skip=PackageCacheKept\nRUN apk add x", []],
    ["skipped for the file", "# check=skip=PackageCacheKept\nFROM a\nRUN apk add x", []],
    ["nothing to say of what cannot be parsed", "FROM a\nRUN apk add x\nFOO", []],
  ];
  for (const [name, text, wanted] of rows) test(name, () => assert.deepEqual(found(text), wanted));

  test("root", () => {
    const root = (text: string): number =>
      lintOwn(parse(text).file).filter(({ rule }) => rule === "RunningAsRoot").length;
    assert.equal(root("FROM a\nUSER 1000\n"), 0);
    assert.equal(root("FROM a\nUSER 1000\nUSER root\n"), 1);
    assert.equal(root("FROM a AS b\nUSER app\nFROM b\n"), 0);
    assert.equal(root("FROM gcr.io/distroless/static:nonroot\n"), 0);
    assert.equal(root("FROM scratch\nCOPY x /\n"), 0);
  });
});

describe("applyFixes", () => {
  const fixed = (text: string): string => applyFixes(text, lintOwn(parse(text).file)).text;

  test("what starts the program stays behind USER", () => {
    const text = 'FROM scratch\nRUN x\nUSER root\nEXPOSE 8080\nCMD ["x"]';
    assert.equal(fixed(text), 'FROM scratch\nRUN x\nUSER root\nUSER 65532:65532\nEXPOSE 8080\nCMD ["x"]');
  });

  test("no USER where something in sight needs root: a hint", () => {
    for (const text of ["FROM nginx\n", "FROM a\nEXPOSE 80\n", 'FROM a\nENTRYPOINT ["gosu", "app"]\n']) {
      const finding = lintOwn(parse(text).file).find(({ rule }) => rule === "RunningAsRoot");
      assert.equal(finding?.fix, undefined);
      assert.notEqual(finding?.hint, undefined);
    }
  });

  test("a fix goes behind the last word, whatever the line ending", () => {
    const text = 'FROM scratch\r\nUSER 1\r\nRUN yum install -y \\\r\n  x\r\nCMD ["x"]\r\n';
    assert.equal(
      fixed(text),
      'FROM scratch\r\nUSER 1\r\nRUN yum install -y \\\r\n  x && yum clean all\r\nCMD ["x"]\r\n',
    );
  });

  test("a secret ARG becomes a secret of every RUN that names it", () => {
    const text = "FROM scratch\nARG TOKEN\nRUN a ${TOKEN}\nRUN b\nRUN --network=none c $TOKEN\nUSER 1\n";
    const mount = "--mount=type=secret,id=TOKEN,env=TOKEN";
    assert.equal(
      fixed(text),
      `FROM scratch\nRUN ${mount} a \${TOKEN}\nRUN b\nRUN ${mount} --network=none c $TOKEN\nUSER 1\n`,
    );
  });

  test("no fix where the ARG is used by another instruction", () => {
    const [finding] = lintOwn(parse("FROM scratch\nARG TOKEN\nENV T=$TOKEN\nRUN $TOKEN\n").file);
    assert.equal(finding?.rule, "SecretInLayer");
    assert.equal(finding?.fix, undefined);
  });

  test("a build is not split where more than the program may be wanted", () => {
    const build = (run: string, start: string): string =>
      `FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN ${run}\n${start}\n`;
    const rows = [
      build("go build -o /app .", 'CMD ["/app"]'),
      build("CGO_ENABLED=0 go build -o $OUT .", 'CMD ["/app"]'),
      build("CGO_ENABLED=0 go build -o /app .", 'CMD ["/other"]'),
      build("CGO_ENABLED=0 go build -o /app .", 'CMD ["/app", "--config", "app.yaml"]'),
      build("CGO_ENABLED=0 go build -o /app .", "CMD /app && echo"),
      build("CGO_ENABLED=0 go build -o /app .", 'USER app\nCMD ["/app"]'),
      build("CGO_ENABLED=0 go build -o /app . && mkdir /data", 'CMD ["/app"]'),
      build("useradd app\nRUN CGO_ENABLED=0 go build -o /app .", 'CMD ["/app"]'),
    ];
    for (const text of rows) {
      const finding = lintOwn(parse(text).file).find(({ rule }) => rule === "BuildToolsKept");
      assert.equal(finding?.fix, undefined, text);
      assert.notEqual(finding?.hint, undefined, text);
    }
  });

  test("of two fixes at one place the second waits", () => {
    const text = "FROM scratch\nUSER 1\nRUN apt-get update && npm ci\n";
    const warnings = lintOwn(parse(text).file);
    const first = applyFixes(text, warnings);
    assert.equal(warnings.length, 2);
    assert.equal(first.applied.length, 1);
    const second = fixed(first.text);
    assert.equal(
      second,
      "FROM scratch\nUSER 1\nRUN apt-get update && npm ci && rm -rf /var/lib/apt/lists/* && npm cache clean --force\n",
    );
  });
});
