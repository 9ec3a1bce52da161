import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { errorText, parse } from "#dockerfile";
import {
  formatPlatform,
  formatReference,
  type ImageConfig,
  type ProcessConfig,
  parseDigest,
  parseReference,
} from "#oci";
import {
  type ExecOp,
  finishImage,
  type Plan,
  type PlanAnswer,
  type PlanOptions,
  plan,
  type ResolvedBase,
} from "./index.ts";

const linux = { os: "linux", architecture: "amd64" };
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function baseConfig(config: ProcessConfig = {}): ImageConfig {
  const diffId = parseDigest(`sha256:${"a".repeat(64)}`);
  return {
    ...linux,
    config: { Env: [path], ...config },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{}],
  };
}

interface Given extends Partial<PlanOptions> {
  readonly config?: ProcessConfig;
}

/** Plans with every base at hand; the second answer says which were asked for. */
function answer(
  text: string,
  { config, ...options }: Given = {},
): { readonly answer: PlanAnswer; readonly asked: string[] } {
  const bases: ResolvedBase[] = [];
  for (;;) {
    const result = plan({ buildPlatform: linux, ...options, parsed: parse(text), bases });
    if (result.kind !== "needs")
      return {
        answer: result,
        asked: bases.map(
          ({ reference, platform }) => `${formatReference(reference)} ${formatPlatform(platform)}`,
        ),
      };
    for (const base of result.bases) bases.push({ ...base, config: baseConfig(config) });
  }
}

function planned(text: string, given: Given = {}): Plan {
  const result = answer(text, given).answer;
  assert.equal(result.kind, "plan", result.kind === "invalid" ? result.diagnostics[0]?.message : "");
  assert.ok(result.kind === "plan");
  return result;
}

function names(text: string, given: Given = {}): string[] {
  return [...planned(text, given).graph.vertices.values()].map(({ name }) => name);
}

function failure(text: string, given: Given = {}): string {
  const result = answer(text, given).answer;
  const [first] = result.kind === "invalid" ? result.diagnostics : [];
  return first === undefined ? result.kind : `${first.line}: ${errorText(first)}`;
}

function history(text: string, given: Given = {}): string[] {
  return planned(text, given).image.history.map(
    ({ createdBy, layer }) => `${layer === undefined ? "-" : "+"} ${createdBy}`,
  );
}

function config(text: string, given: Given = {}): ProcessConfig {
  return planned(text, given).image.config.config ?? {};
}

describe("stages", () => {
  test("only what the target needs is planned, and asked for", () => {
    const text = "FROM a AS one\nRUN 1\nFROM b AS two\nRUN 2\nFROM c\nCOPY --from=one /x /\n";
    assert.deepEqual(answer(text).asked, [
      "docker.io/library/a:latest linux/amd64",
      "docker.io/library/c:latest linux/amd64",
    ]);
    assert.deepEqual(names(text), [
      "[one 1/2] FROM docker.io/library/a:latest",
      "[stage-2 1/2] FROM docker.io/library/c:latest",
      "[one 2/2] RUN 1",
      "[stage-2 2/2] COPY --from=one /x /",
    ]);
    assert.deepEqual(answer(text, { target: "TWO" }).asked, ["docker.io/library/b:latest linux/amd64"]);
  });

  const failures: readonly (readonly [string, string, string, Given?])[] = [
    [
      "a cycle",
      "FROM a AS x\nCOPY --from=y / /\nFROM a AS y\nCOPY --from=x / /",
      "4: circular dependency detected on stage: x",
    ],
    ["a cycle with itself", "FROM a AS x\nCOPY --from=0 / /", "2: circular dependency detected on stage: x"],
    ["no such number", "FROM a\nCOPY --from=7 / /", "2: invalid stage index 7"],
    [
      "no such target",
      "FROM a AS build",
      '1: target stage "biuld" could not be found (did you mean build?)',
      { target: "biuld" },
    ],
    ["no base", "ARG B\nFROM $B", "2: base name ($B) should not be blank"],
    [
      "an upper-case base",
      "FROM Alpine",
      '1: failed to parse stage name "Alpine": invalid reference format: repository name (library/Alpine) must be lowercase',
    ],
    [
      "a digest that is none",
      "FROM a@sha256:12",
      '1: failed to parse stage name "a@sha256:12": invalid reference format',
    ],
    [
      "a platform that is none",
      "FROM --platform=x/y/z/w a",
      '1: failed to parse platform x/y/z/w: "x/y/z/w": cannot parse platform specifier: invalid argument',
    ],
    ["a mount on the root", "FROM a\nRUN --mount=type=cache,target=/ x", '2: invalid mount target "/"'],
    ["a signal that is none", "FROM a\nSTOPSIGNAL SIGFOO", "2: invalid signal: SIGFOO"],
    ["a port that is none", "FROM a\nEXPOSE 80/xyz", '2: invalid port: "80/xyz": invalid proto: xyz'],
    ["COPY of a URL", "FROM a\nCOPY https://x.org/y /", "2: source can't be a URL for COPY"],
    ["COPY of a repository", "FROM a\nCOPY https://x.org/y.git /", "2: source can't be a git ref for COPY"],
    [
      "a trigger that is none",
      "FROM a AS x\nONBUILD FOO bar\nFROM x\n",
      "3: unknown instruction: FOO (did you mean FROM?)",
    ],
    ["nothing", "", "1: the Dockerfile cannot be empty"],
    [
      "a check option",
      "# check=foo=bar\nFROM a",
      '1: failed to parse check options: invalid check option "foo"',
    ],
    [
      "a finding that is an error",
      "# check=error=true\nfrom a AS b\n",
      "2: lint violation found for rules: FromAsCasing",
    ],
  ];
  for (const [name, text, wanted, given] of failures) {
    test(`refused: ${name}`, () => assert.equal(failure(text, given), wanted));
  }

  test("FROM may name an image and the stage the same", () => {
    assert.deepEqual(names("FROM a AS a\nFROM a\nRUN x"), [
      "[a 1/1] FROM docker.io/library/a:latest",
      "[stage-1 1/1] RUN x",
    ]);
  });

  test("numbers of steps are aligned", () => {
    const text = `FROM a\n${"RUN x\n".repeat(10)}`;
    assert.equal(names(text)[1], "[ 2/11] RUN x");
  });

  test("a named context takes the place of a stage, an image and a --from", () => {
    const namedContexts = new Map([
      ["dir", { kind: "local" as const }],
      ["a", { kind: "image" as const, reference: parseReference("b:1") }],
    ]);
    assert.deepEqual(names("FROM a\nCOPY --from=dir /x/y /", { namedContexts }), [
      "[context a] docker.io/library/b:1",
      "[context dir] load from client",
      "[stage-0 1/2] COPY --from=dir /x/y /",
    ]);
    const [, local] = planned("FROM a\nCOPY --from=dir /x/y /", { namedContexts }).graph.vertices.values();
    assert.deepEqual(local?.op, { kind: "local", context: "dir", paths: ["x/y"] });
    assert.deepEqual(
      answer("FROM q AS dir\nRUN x\nFROM scratch\nCOPY --from=dir / /", { namedContexts }).asked,
      [],
    );
  });
});

describe("arguments and variables", () => {
  const cases: readonly (readonly [string, string, readonly string[], Given?])[] = [
    [
      "a global ARG needs a declaration",
      "ARG V=1\nFROM a\nLABEL v=$V\nARG V\nLABEL v=$V",
      ["- LABEL v=", "- ARG V=1", "- LABEL v=1"],
    ],
    [
      "--build-arg wins",
      "FROM a\nARG V=1\nLABEL v=$V",
      ["- ARG V=2", "- LABEL v=2"],
      { buildArgs: { V: "2" } },
    ],
    ["one snapshot per instruction", "FROM a\nENV x=1\nENV x=2 y=$x", ["- ENV x=1", "- ENV x=2 y=1"]],
    [
      "ARGs are part of a RUN",
      "FROM a\nARG B=2 A=1\nRUN x",
      ["- ARG B=2 A=1", "+ RUN |2 B=2 A=1 /bin/sh -c x # buildkit"],
    ],
    [
      "a later ARG overrides ENV",
      "FROM a\nENV V=env\nARG V=arg\nRUN x",
      ["- ENV V=env", "- ARG V=arg", "+ RUN |1 V=arg /bin/sh -c x # buildkit"],
    ],
    [
      "the image keeps ENV",
      "FROM a AS b\nENV V=env\nARG V=arg\nFROM b\nRUN x",
      ["- ENV V=env", "- ARG V=arg", "+ RUN |1 V=env /bin/sh -c x # buildkit"],
    ],
    [
      "platform arguments",
      "FROM --platform=$BUILDPLATFORM a\nARG TARGETARCH TARGETSTAGE",
      ["- ARG TARGETARCH=arm64 TARGETSTAGE=default"],
      { platform: { os: "linux", architecture: "arm64" } },
    ],
  ];
  for (const [name, text, wanted, given] of cases)
    test(name, () => assert.deepEqual(history(text, given), wanted));

  test("proxies reach a RUN and neither its id nor the history", () => {
    const plain = planned("FROM a\nRUN x");
    const proxied = planned("FROM a\nRUN x", { buildArgs: { http_proxy: "http://p" } });
    assert.equal(proxied.target?.vertex, plain.target?.vertex);
    const op = proxied.graph.vertices.get(
      proxied.target?.vertex ?? (plain.graph.vertices.keys().next().value as never),
    )?.op;
    assert.ok(op?.kind === "exec");
    assert.deepEqual(op.proxyEnv, ["HTTP_PROXY=http://p", "http_proxy=http://p"]);
    assert.deepEqual(op.env, [path]);
  });
});

describe("image config", () => {
  const base: ProcessConfig = {
    Cmd: ["sh"],
    Entrypoint: ["e"],
    WorkingDir: "/w",
    User: "u",
    Labels: { a: "1" },
    OnBuild: ["ENV ob=1", "COPY x /y"],
  };
  test("ENTRYPOINT drops the CMD of the base, not that of the stage", () => {
    assert.deepEqual(config('FROM a\nENTRYPOINT ["x"]', { config: { Cmd: ["sh"] } }).Cmd, undefined);
    assert.deepEqual(config('FROM a\nCMD ["c"]\nENTRYPOINT ["x"]', { config: { Cmd: ["sh"] } }).Cmd, ["c"]);
  });
  test("ONBUILD of the base runs first, leaves the config, and counts its steps", () => {
    assert.deepEqual(history("FROM a\nRUN x", { config: base }), [
      "- ENV ob=1",
      "+ COPY x /y # buildkit",
      "+ RUN /bin/sh -c x # buildkit",
    ]);
    assert.equal(config("FROM a", { config: base }).OnBuild, undefined);
    assert.ok(names("FROM a\nRUN x", { config: base }).includes("[2/4] ONBUILD COPY x /y"));
  });
  test("ONBUILD of a stage is for its children, not theirs", () => {
    const text = "FROM scratch AS a\nONBUILD LABEL a=1\nFROM a AS b\nFROM b\nLABEL c=1";
    assert.deepEqual(history(text), ["- LABEL a=1", "- LABEL c=1"]);
    assert.deepEqual(config("FROM scratch\nONBUILD LABEL a=1").OnBuild, ["LABEL a=1"]);
  });
  test("ONBUILD of an image that is only copied from is nobody's", () => {
    const text = "FROM scratch\nCOPY --from=a /x /\n";
    assert.deepEqual(history(text, { config: { OnBuild: ["COPY --from=a / /"] } }), [
      "+ COPY /x / # buildkit",
    ]);
  });
  test("labels of the command line win", () => {
    const labels = { a: "cli", z: "cli" };
    assert.deepEqual(config("FROM a\nLABEL b=2 a=3", { labels, config: base }).Labels, {
      a: "cli",
      b: "2",
      z: "cli",
    });
  });
  test("scratch has a PATH and a directory", () => {
    assert.deepEqual(config("FROM scratch"), { Env: [path], WorkingDir: "/" });
    assert.equal(planned("FROM scratch").target, undefined);
  });
  test("history of a health check", () => {
    assert.deepEqual(history("FROM a\nHEALTHCHECK --interval=90s --timeout=1500ms CMD x y"), [
      "- HEALTHCHECK {Test:[CMD-SHELL x y] Interval:1m30s Timeout:1.5s StartPeriod:0s StartInterval:0s Retries:0}",
    ]);
  });
  test("a platform that was asked for is the image's", () => {
    const { image } = planned("FROM scratch", {
      platform: { os: "linux", architecture: "arm", variant: "v6" },
    });
    assert.equal(formatPlatform(image.config), "linux/arm/v6");
  });
  test("finishImage: a line of history for every layer, and no more", () => {
    const { image } = planned("FROM scratch\nCOPY a /\nUSER 1\nCOPY b /");
    const diffIds = ["1", "2", "3"].map((digit) => parseDigest(`sha256:${digit.repeat(64)}`));
    const lines = (count: number): string[] =>
      (
        finishImage(image, { diffIds: diffIds.slice(0, count), created: "t", describeLayer: () => "?" })
          .history ?? []
      ).map(({ created_by = "", empty_layer = false }) => `${empty_layer ? "-" : "+"} ${created_by}`);
    assert.deepEqual(lines(2), ["+ COPY a / # buildkit", "- USER 1", "+ COPY b / # buildkit"]);
    assert.deepEqual(lines(1), ["+ COPY a / # buildkit", "- USER 1", "- COPY b / # buildkit"]);
    assert.deepEqual(lines(3), ["+ COPY a / # buildkit", "- USER 1", "+ COPY b / # buildkit", "+ ?"]);
  });
});

describe("graph", () => {
  test("equal steps are one vertex, and ids do not depend on names", () => {
    const plans = [planned("FROM a AS x\nRUN y"), planned("FROM a\nRUN y\n")];
    assert.equal(plans[0]?.target?.vertex, plans[1]?.target?.vertex);
    const two =
      "FROM a AS x\nRUN y\nFROM a AS z\nRUN y\nFROM scratch\nCOPY --from=x /1 /\nCOPY --from=z /2 /";
    assert.equal(planned(two).graph.vertices.size, 4);
  });
  test("inputs stand before their users", () => {
    const seen = new Set<string>();
    for (const { id, inputs } of planned(
      "FROM a AS x\nRUN 1\nFROM b\nCOPY --from=x . .\nCOPY --link q /",
    ).graph.vertices.values()) {
      for (const { vertex } of inputs) assert.ok(seen.has(vertex));
      seen.add(id);
    }
  });
  test("only wanted paths of the context", () => {
    const paths = (text: string): unknown => {
      const local = [...planned(text).graph.vertices.values()].find(({ op }) => op.kind === "local");
      return local?.op.kind === "local" ? local.op.paths : "none";
    };
    assert.deepEqual(
      paths("FROM a\nCOPY b ../c /x/\nADD https://x.org/f /\nRUN --mount=source=d,target=/d y"),
      ["b", "c", "d"],
    );
    assert.equal(paths("FROM a\nCOPY . ."), undefined);
    assert.equal(paths("FROM a\nRUN x"), "none");
    assert.deepEqual(paths("FROM a AS no\nCOPY . .\nFROM a\nCOPY x ."), ["x"]);
  });
});

describe("environments", () => {
  test("steps that see the same variables are one vertex, however these came about", () => {
    const text = `FROM a AS one\nENV A=1\nRUN x\nFROM a AS middle\nENV A=1\nFROM middle AS two\nRUN x
FROM scratch\nCOPY --from=one /x /\nCOPY --from=two /x /`;
    assert.equal(execs(text).length, 1);
    assert.equal(execs(text.replace("ENV A=1\nFROM", "ENV A=2\nFROM")).length, 2);
  });

  test("a step keeps what it saw", () => {
    const [first, second] = execs("FROM a\nENV A=1\nRUN x\nENV A=2 B=3\nRUN y\nENV C=4");
    assert.deepEqual(first?.env.slice(1), ["A=1"]);
    assert.deepEqual(second?.env.slice(1), ["A=2", "B=3"]);
  });

  test("a stage on a named context sees the variables of the context's image", () => {
    const reference = parseReference("b");
    const config = { ...linux, config: { Env: ["X=1"] }, rootfs: { type: "layers" as const, diff_ids: [] } };
    const answer = plan({
      parsed: parse("FROM a AS s\nFROM s\nRUN $X"),
      buildPlatform: linux,
      namedContexts: new Map([["s", { kind: "image", reference }]]),
      bases: [{ reference, platform: linux, config }],
    });
    assert.equal(answer.kind, "plan");
    const op = answer.kind === "plan" ? [...answer.graph.vertices.values()].at(-1)?.op : undefined;
    assert.ok(op?.kind === "exec" && op.env.includes("X=1"));
  });
});

function execs(text: string): ExecOp[] {
  const answer = plan({ parsed: parse(text), buildPlatform: linux, unresolvedBases: "assume" });
  if (answer.kind !== "plan") throw new Error(answer.kind);
  return [...answer.graph.vertices.values()].flatMap(({ op }) => (op.kind === "exec" ? [op] : []));
}

describe("what a few bytes multiply", () => {
  const texts: readonly (readonly [string, string])[] = [
    ["ranges of ports", `FROM a\nEXPOSE ${"1-65535 ".repeat(8000)}\n`],
    ["values", `FROM a\nENV A=${"x".repeat(60_000)}\n${`ENV B=${"$A".repeat(200)}\n`.repeat(30)}`],
    ["triggers", `FROM a AS s\n${"ONBUILD RUN x\n".repeat(2000)}${"FROM s\n".repeat(2000)}`],
  ];
  for (const [name, text] of texts)
    test(`${name} are refused`, () => {
      const answer = plan({
        parsed: parse(text),
        buildPlatform: linux,
        unresolvedBases: "assume",
        allStages: true,
      });
      assert.equal(answer.kind, "invalid");
      const [first] = answer.kind === "invalid" ? answer.diagnostics : [];
      assert.match(first?.message ?? "", /asks for too much/);
      assert.notEqual(first?.hint, undefined);
    });
});

describe("time", () => {
  const texts: readonly (readonly [string, (count: number) => string])[] = [
    [
      "a chain of stages",
      (count) =>
        `FROM a AS s0\n${Array.from({ length: count }, (_, i) => `FROM s${i} AS s${i + 1}\nLABEL l${i}=1\n`).join("")}`,
    ],
    [
      "copies from stage to stage",
      (count) =>
        Array.from(
          { length: count },
          (_, i) => `FROM a AS s${i}\n${i > 0 ? `COPY --from=s${i - 1} /x /y\n` : ""}`,
        ).join(""),
    ],
    [
      "stages that nobody needs",
      (count) => Array.from({ length: count }, (_, i) => `FROM a AS s${i}\nRUN x\n`).join(""),
    ],
    [
      "ARG, ENV and RUN in each stage",
      (count) =>
        `FROM a AS s0\n${Array.from(
          { length: count },
          (_, i) => `FROM s${i} AS s${i + 1}\nARG A${i}=1\nENV B${i}=1\nRUN x\n`,
        ).join("")}`,
    ],
    [
      "RUNs behind many ARGs",
      (count) =>
        `FROM a\n${Array.from({ length: count }, (_, i) => `ARG A${i}=1\n`).join("")}${"RUN x\n".repeat(count)}`,
    ],
  ];
  for (const [name, text] of texts)
    test(`linear: ${name}`, () => {
      const measure = (count: number): number => {
        const parsed = parse(text(count));
        // Time of the processor: other programs do not lengthen it.
        const start = process.cpuUsage();
        plan({ parsed, buildPlatform: linux, unresolvedBases: "assume" });
        return process.cpuUsage(start).user / 1000;
      };
      measure(1000);
      const [small, large] = [measure(1000), measure(10_000)];
      // Quadratic would be 100 times.
      assert.ok(large < small * 40, `1,000: ${small.toFixed(0)} ms, 10,000: ${large.toFixed(0)} ms`);
    });
});
