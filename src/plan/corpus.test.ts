import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { errorText, type LintWarning, parse, type Range } from "#dockerfile";
import { formatReference, type ImageConfig, parseDigest } from "#oci";
import {
  type CopyAction,
  type FileAction,
  finishImage,
  listTargets,
  type Outline,
  type Plan,
  type PlanAnswer,
  type PlanRequest,
  plan,
  type ResolvedBase,
  type Target,
  type Vertex,
} from "./index.ts";

// The reference builder's own answers, from outside the project: https://github.com/moby/buildkit (v0.32.2).
const CORPORA = join(process.cwd(), "../shared/corpora");
const missing = existsSync(CORPORA) ? false : `no corpora at ${CORPORA}`;

interface Row {
  readonly name: string;
  readonly dockerfile: string;
  readonly encoding: "utf8" | "base64";
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly status: "ok" | "convertError" | "parseError";
  readonly expected: {
    readonly convertError?: string;
    readonly lintError?: string;
    readonly lint: readonly Finding[] | null;
    readonly targets?: readonly object[];
    readonly outline?: object;
    readonly image?: object;
    readonly llb?: readonly LlbVertex[] | null;
    readonly panic?: string;
  };
}

interface Finding {
  readonly Rule: string;
  readonly Detail: string;
  readonly Line: readonly number[];
}

interface LlbVertex {
  readonly Desc?: Readonly<Record<string, string>>;
  readonly Op: {
    readonly Op: {
      readonly exec?: {
        readonly meta: { readonly args: string[]; readonly cwd: string; readonly env?: string[] };
      };
      readonly source?: { readonly identifier: string };
      readonly file?: {
        readonly actions: readonly { readonly Action: { readonly copy?: { src: string; dest: string } } }[];
      };
    };
  };
}

const linux = { os: "linux", architecture: "amd64" };

/** What the reference builder was told of every base: a PATH, a command, one layer. */
const baseConfig: ImageConfig = {
  ...linux,
  config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["sh"] },
  rootfs: { type: "layers", diff_ids: [parseDigest(`sha256:${"a".repeat(64)}`)] },
  history: [{ created_by: "base" }],
};

describe("corpora", { skip: missing }, () => {
  test("frontend", () => {
    const rows = readRows();
    const score = new Score("frontend");
    for (const row of rows) checkRow(row, score);
    score.report();
  });

  test("git references", () => {
    assert.ok(true);
  });
});

function readRows(): Row[] {
  const text = gunzipSync(readFileSync(join(CORPORA, "frontend.jsonl.gz"))).toString("utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}

function checkRow(row: Row, score: Score): void {
  const parsed = parse(Buffer.from(row.dockerfile, row.encoding));
  const request = { parsed, buildArgs: row.buildArgs, buildPlatform: linux };
  const { expected, name } = row;
  checkLint(row, request, score);
  const answer = planFully({ ...request, checks: false });
  if (expected.targets !== undefined)
    score.equal("targets", name, listTargets(parsed.file).map(targetJson), expected.targets);
  if (expected.convertError !== undefined) {
    score.equal("errors", name, errorOf(answer), expected.convertError);
    return;
  }
  if (answer.kind !== "plan") {
    score.equal("config", name, errorOf(answer), "a plan");
    return;
  }
  if (expected.image !== undefined) score.equal("config", name, imageJson(answer), expected.image);
  if (expected.outline !== undefined)
    score.equal("outline", name, sortLines(outlineJson(answer.outline)), sortLines(expected.outline));
  if (expected.llb) score.equal("graph", name, graphSummary(answer), llbSummary(expected.llb));
}

function checkLint(row: Row, request: PlanRequest, score: Score): void {
  const { expected, name } = row;
  const answer = planFully({ ...request, allStages: true });
  const findings = answer.kind === "needs" ? [] : answer.warnings.map(finding);
  const wanted = { findings: expected.lint ?? [], error: expected.lintError };
  const got = { findings, error: answer.kind === "plan" ? undefined : errorOf(answer) };
  score.equal("lint", name, got, wanted);
}

function finding({ rule, detail, range }: LintWarning): Finding {
  return { Rule: rule, Detail: detail, Line: lines(range).flatMap((line) => [line, line]) };
}

function lines({ start, end }: Range): number[] {
  return Array.from({ length: end.line - start.line + 1 }, (_, index) => start.line + index);
}

/** Answers what a plan needs until it is there. */
function planFully(request: PlanRequest): PlanAnswer {
  const bases: ResolvedBase[] = [];
  for (let round = 0; round < 10; round++) {
    const answer = plan({ ...request, bases });
    if (answer.kind !== "needs") return answer;
    const digest = parseDigest(`sha256:${"b".repeat(64)}`);
    for (const base of answer.bases) bases.push({ ...base, digest, config: baseConfig });
  }
  throw new Error("a plan never has all it needs");
}

function errorOf(answer: PlanAnswer): string {
  if (answer.kind !== "invalid") return answer.kind;
  const [first] = answer.diagnostics;
  return first === undefined ? "no diagnostic" : errorText(first);
}

function location(range: Range): object {
  const ranges = lines(range).map((line) => ({ start: { line }, end: { line } }));
  return { ranges };
}

function targetJson(target: Target): object {
  const { name, description, isDefault, base, platform, range } = target;
  return compact({
    name,
    description,
    default: isDefault || undefined,
    base,
    platform,
    location: location(range),
  });
}

function outlineJson(outline: Outline): object {
  const { name, description, args, secrets, ssh } = outline;
  const needs = (list: Outline["secrets"]): object[] | undefined =>
    list.length === 0
      ? undefined
      : list.map((need) =>
          compact({ name: need.name, required: need.required || undefined, location: location(need.range) }),
        );
  const argList = args.map(({ range, ...arg }) => compact({ ...arg, location: location(range) }));
  return compact({
    name,
    description,
    args: args.length > 0 ? argList : undefined,
    secrets: needs(secrets),
    ssh: needs(ssh),
  });
}

/** The reference builder leaves the order within a line to chance. */
function sortLines(outline: object): object {
  const { args } = outline as {
    args?: readonly { name: string; location: { ranges: readonly { start: { line: number } }[] } }[];
  };
  if (args === undefined) return outline;
  const line = (arg: (typeof args)[number]): number => arg.location.ranges[0]?.start.line ?? 0;
  return { ...outline, args: args.toSorted((a, b) => line(a) - line(b) || (a.name < b.name ? -1 : 1)) };
}

function imageJson({ image }: Plan): object {
  const facts = { diffIds: image.config.rootfs.diff_ids, created: "" };
  const { created: _, history = [], ...config } = finishImage(image, facts);
  const entries = history.map(({ created: _created, ...entry }) => entry);
  const rootfs = {
    ...config.rootfs,
    diff_ids: config.rootfs.diff_ids.length > 0 ? config.rootfs.diff_ids : null,
  };
  return compact({
    ...config,
    config: config.config,
    rootfs,
    history: entries.length > 0 ? entries : undefined,
  });
}

function compact(value: object): object {
  return JSON.parse(JSON.stringify(value)) as object;
}

/**
 * The gist of the vertices: what both graphs can be asked. Equal FROMs are one vertex with one of their names, so the
 * names of images do not count.
 */
function graphSummary({ graph }: Plan): string[] {
  return [...graph.vertices.values()]
    .filter(({ op }) => op.kind !== "local")
    .map(vertexSummary)
    .toSorted();
}

function vertexSummary({ name, op }: Vertex): string {
  switch (op.kind) {
    case "exec":
      return JSON.stringify([name, op.args, op.cwd, op.env]);
    case "image":
      return JSON.stringify([`docker-image://${formatReference(op.reference).replace(/@.*/, "")}`]);
    case "file":
      return JSON.stringify([
        name,
        op.actions.filter(isCopy).map(({ source, destination }) => [source, destination]),
      ]);
    default:
      return JSON.stringify([name]);
  }
}

function isCopy(action: FileAction): action is CopyAction {
  return action.kind === "copy";
}

function llbSummary(vertices: readonly LlbVertex[]): string[] {
  return vertices
    .filter(
      ({ Op: { Op } }) => Op.source?.identifier.startsWith("local:") !== true && Object.keys(Op).length > 0,
    )
    .filter(({ Desc }) => Desc?.["llb.customname"] !== "[internal] setting cache mount permissions")
    .map(llbVertexSummary)
    .toSorted();
}

function llbVertexSummary({ Desc, Op: { Op } }: LlbVertex): string {
  const name = Desc?.["llb.customname"] ?? "";
  if (Op.exec !== undefined) {
    const { args, cwd, env = [] } = Op.exec.meta;
    return JSON.stringify([name, args, cwd, env]);
  }
  if (Op.file !== undefined) {
    const copies = Op.file.actions.flatMap(({ Action: { copy } }) =>
      copy === undefined ? [] : [[copy.src, copy.dest]],
    );
    return JSON.stringify([name, copies]);
  }
  const identifier = Op.source?.identifier ?? "";
  return identifier.startsWith("docker-image:")
    ? JSON.stringify([identifier.replace(/@.*/, "")])
    : JSON.stringify([name]);
}

/** How many cases of each kind are equal; the test fails with those that are not. */
class Score {
  readonly #title: string;
  readonly #kinds = new Map<string, { passed: number; total: number }>();
  readonly #failures: string[] = [];

  constructor(title: string) {
    this.#title = title;
  }

  equal(kind: string, name: string, got: unknown, wanted: unknown): void {
    const count = this.#kinds.get(kind) ?? { passed: 0, total: 0 };
    this.#kinds.set(kind, count);
    count.total++;
    try {
      assert.deepEqual(got, wanted);
      count.passed++;
    } catch {
      this.#failures.push(
        `${kind} ${name}\n  got    ${JSON.stringify(got)}\n  wanted ${JSON.stringify(wanted)}`,
      );
    }
  }

  report(): void {
    const parts = Array.from(this.#kinds, ([kind, { passed, total }]) => `${kind} ${passed}/${total}`);
    console.log(`${this.#title}: ${parts.join(" ")}`);
    if (process.env["LIGHTER_CORPUS_ALL"]) console.log(this.#failures.join("\n"));
    assert.equal(this.#failures.length, 0, this.#failures.slice(0, 5).join("\n"));
  }
}
