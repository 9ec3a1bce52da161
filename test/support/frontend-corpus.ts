// What the tests that read the corpora share. The answers are the reference builder's own, from outside the project:
// https://github.com/moby/buildkit (v0.32.2).
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type ImageConfig, parseDigest } from "#oci";
import { type PlanAnswer, type PlanRequest, plan, type ResolvedBase } from "#plan";

export const CORPORA = join(process.cwd(), "../shared/corpora");
/** The reason to skip, else false. */
export const missing = existsSync(CORPORA) ? false : `no corpora at ${CORPORA}`;

export interface Row {
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

export interface Finding {
  readonly Rule: string;
  readonly Detail: string;
  readonly Line: readonly number[];
}

/** A vertex of BuildKit's graph; what is 0, false or empty is left out. */
export interface LlbVertex {
  readonly Desc?: Readonly<Record<string, string>>;
  readonly Op: {
    readonly Op: {
      readonly exec?: LlbExec;
      readonly source?: { readonly identifier: string; readonly attrs?: Readonly<Record<string, string>> };
      readonly file?: { readonly actions: readonly { readonly Action: LlbAction }[] };
    };
  };
}

export interface LlbExec {
  readonly meta: {
    readonly args: string[];
    readonly cwd: string;
    readonly env?: string[];
    readonly user?: string;
  };
  readonly mounts: readonly LlbMount[];
  readonly network?: number;
  readonly security?: number;
  readonly secretenv?: readonly LlbSecretEnv[];
}

export interface LlbMount {
  readonly dest: string;
  readonly mountType?: number;
  readonly selector?: string;
  readonly readonly?: boolean;
  readonly cacheOpt?: { readonly ID: string; readonly sharing?: number };
  readonly TmpfsOpt?: { readonly size?: number };
  readonly secretOpt?: LlbSecret;
  readonly SSHOpt?: LlbSecret;
}

interface LlbSecret {
  readonly ID?: string;
  readonly optional?: boolean;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface LlbSecretEnv {
  readonly ID: string;
  readonly name: string;
  readonly optional?: boolean;
}

interface LlbUser {
  readonly User: { readonly byId?: number; readonly byName?: { readonly name: string } };
}

export interface LlbOwner {
  readonly user?: LlbUser;
  readonly group?: LlbUser;
}

export interface LlbAction {
  readonly copy?: {
    readonly src: string;
    readonly dest: string;
    readonly mode?: number;
    readonly modeStr?: string;
    readonly owner?: LlbOwner;
    readonly attemptUnpackDockerCompatibility?: boolean;
    readonly include_patterns?: readonly string[];
    readonly exclude_patterns?: readonly string[];
    readonly required_paths?: readonly string[];
  };
  readonly mkdir?: { readonly path: string; readonly mode: number; readonly owner?: LlbOwner };
  readonly mkfile?: { readonly path: string; readonly mode: number; readonly data?: string };
}

export const linux = { os: "linux", architecture: "amd64" };

/** What the reference builder was told of every base: a PATH, a command, one layer. */
const baseConfig: ImageConfig = {
  ...linux,
  config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["sh"] },
  rootfs: { type: "layers", diff_ids: [parseDigest(`sha256:${"a".repeat(64)}`)] },
  history: [{ created_by: "base" }],
};

export function readRows(): Row[] {
  const text = gunzipSync(readFileSync(join(CORPORA, "frontend.jsonl.gz"))).toString("utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}

/** Answers what a plan needs until it is there. */
export function planFully(request: PlanRequest): PlanAnswer {
  const bases: ResolvedBase[] = [];
  for (let round = 0; round < 10; round++) {
    const answer = plan({ ...request, bases });
    if (answer.kind !== "needs") return answer;
    const digest = parseDigest(`sha256:${"b".repeat(64)}`);
    for (const base of answer.bases) bases.push({ ...base, digest, config: baseConfig });
  }
  throw new Error("a plan never has all it needs");
}

/** How many cases of each kind are equal; the test fails with those that are not. */
export class Score {
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
    assert.equal(this.#failures.length, 0, this.#failures.slice(0, 5).join("\n"));
  }
}
