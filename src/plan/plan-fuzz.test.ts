import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { applyFixes, lintOwn, parse } from "#dockerfile";
import { parseDigest } from "#oci";
import { type PlanAnswer, plan, printPlan, type ResolvedBase } from "./index.ts";

fc.configureGlobal({ seed: Number(process.env["FUZZ_SEED"] ?? 1) });

const linux = { os: "linux", architecture: "amd64" };

/** Words that make instructions meet: stages, variables, paths, things that are wrong. */
const word = fc.constantFrom(
  ..."a b s0 s1 s2 0 1 scratch . / /x/ ../y $V ${V:-x} ${V:?no} ${V AS as <<EOF --from=s0 --from=s1 --from=1 --from=$V".split(
    " ",
  ),
  ..."--link --chmod=755 --chmod=9 --chown=a:1 --mount=type=cache,target=/c --mount=from=s1,target=/m --mount=type=secret,id=k".split(
    " ",
  ),
  ...'--platform=$TARGETPLATFORM --platform=x V=1 V=$V 80/tcp 1-9/udp SIGTERM NONE CMD [ "] & https://x.org/y.git?ref=a \\ ` # \u0000 é'.split(
    " ",
  ),
  '["a", "b"]',
  "\n",
);
const keyword = fc.constantFrom(
  ..."FROM RUN COPY ADD ENV ARG LABEL WORKDIR USER EXPOSE VOLUME CMD ENTRYPOINT SHELL STOPSIGNAL HEALTHCHECK ONBUILD MAINTAINER run # FOO".split(
    " ",
  ),
);
const line = fc
  .tuple(keyword, fc.array(word, { maxLength: 5 }))
  .map(([first, rest]) => [first, ...rest].join(" "));
const dockerfile = fc
  .tuple(
    fc.constantFrom("", "ARG V=1\n", "# check=error=true\n", "# escape=`\n"),
    fc.array(line, { maxLength: 12 }),
  )
  .map(([head, lines]) => `${head}FROM a AS s0\n${lines.join("\n")}\n`);

function planFully(text: string): PlanAnswer {
  const bases: ResolvedBase[] = [];
  const diffId = parseDigest(`sha256:${"a".repeat(64)}`);
  const config = {
    ...linux,
    config: { OnBuild: ["COPY --from=s0 $V /"] },
    rootfs: { type: "layers" as const, diff_ids: [diffId] },
  };
  for (;;) {
    const answer = plan({ parsed: parse(text), buildPlatform: linux, bases });
    if (answer.kind !== "needs") return answer;
    assert.ok(answer.bases.length > 0);
    for (const base of answer.bases) bases.push({ ...base, config });
  }
}

describe("any Dockerfile", () => {
  test("has a plan or a reason, and always the same", () => {
    fc.assert(
      fc.property(dockerfile, (text) => {
        const answer = planFully(text);
        assert.deepEqual(planFully(text), answer);
        if (answer.kind === "invalid") assert.ok(answer.diagnostics.length > 0);
        if (answer.kind === "plan")
          for (const format of ["text", "json", "dot"] as const) printPlan(answer, format);
      }),
      { numRuns: 400 },
    );
  });

  test("every input of a plan is there, before it is used", () => {
    fc.assert(
      fc.property(dockerfile, (text) => {
        const answer = planFully(text);
        if (answer.kind !== "plan") return;
        const seen = new Set<string>();
        for (const { id, inputs } of answer.graph.vertices.values()) {
          for (const { vertex } of inputs) assert.ok(seen.has(vertex));
          seen.add(id);
        }
        assert.equal(answer.target === undefined ? seen.size : Number(!seen.has(answer.target.vertex)), 0);
      }),
      { numRuns: 300 },
    );
  });

  test("is no worse for its fixes", () => {
    fc.assert(
      fc.property(dockerfile, (text) => {
        const { file, diagnostics } = parse(text);
        const fixed = applyFixes(file.text, lintOwn(file)).text;
        if (diagnostics.length === 0) assert.deepEqual(parse(fixed).diagnostics, []);
      }),
      { numRuns: 500 },
    );
  });
});
