import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

/** A program of somebody who installed the package: strict, and with the types of the package checked, too. */
const program = `
import { applyFixes, compileIgnore, type Diagnostic, lintOwn, parse, type ParseResult, print } from "lighter/dockerfile";
import { type Graph, listTargets, type Plan, plan, type PlanAnswer, printPlan } from "lighter/plan";

const result: ParseResult = parse("FROM scratch AS base\\nCOPY a /\\nRUN apt-get install -y curl\\n");
const diagnostics: readonly Diagnostic[] = result.diagnostics;
const names: readonly (string | undefined)[] = listTargets(result.file).map(({ name }) => name);
const answer: PlanAnswer = plan({
  parsed: result,
  buildPlatform: { os: "linux", architecture: "amd64" },
  unresolvedBases: "assume",
});
if (answer.kind !== "plan") throw new Error(answer.kind);
const made: Plan = answer;
const graph: Graph = made.graph;
for (const { op } of graph.vertices.values()) if (op.kind === "exec") console.log(op.args.join(" "));
const change = (): void => {
  // @ts-expect-error a plan is frozen data
  made.stage = "x";
};
void change;
const fixed: string = applyFixes(result.file.text, lintOwn(result.file)).text;
console.log(diagnostics.length, names.join(), graph.vertices.size, compileIgnore("*.md").matches("a.md"));
console.log(print(parse(fixed).file).includes("rm -rf"), printPlan(made, "text").startsWith("plan for stage base"));
`;

const settings = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    target: "es2022",
    lib: ["es2024"],
    module: "nodenext",
    types: ["node"],
  },
  files: ["program.ts"],
};

describe("the package, installed elsewhere", () => {
  let directory = "";
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "lighter-package-"));
    const installed = join(directory, "node_modules/lighter");
    mkdirSync(installed, { recursive: true });
    // Without a registry: packing runs the build, unpacking is all that installing would do but for dependencies.
    execFileSync("npm", ["pack", "--silent", "--pack-destination", directory], { stdio: "pipe" });
    const [archive = ""] = readdirSync(directory).filter((name) => name.endsWith(".tgz"));
    execFileSync("tar", ["-xzf", join(directory, archive), "-C", installed, "--strip-components=1"]);
    symlinkSync(join(process.cwd(), "node_modules/@types"), join(directory, "node_modules/@types"));
    symlinkSync(
      join(process.cwd(), "node_modules/undici-types"),
      join(directory, "node_modules/undici-types"),
    );
    writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(settings));
    writeFileSync(join(directory, "program.ts"), program);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  // None of the dependencies stands beside it: the language and the plan need none, and the engine is not loaded.
  test("a strict program is type-checked and runs with no dependency installed", () => {
    execFileSync(join(process.cwd(), "node_modules/.bin/tsc"), ["-p", directory], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const output = execFileSync(process.execPath, [join(directory, "program.js")], { encoding: "utf8" });
    assert.equal(output, "/bin/sh -c apt-get install -y curl\n0 base 3 true\ntrue true\n");
  });

  test("no test, no source but keys, and no map is packed", () => {
    const files = readdirSync(join(directory, "node_modules/lighter"), { recursive: true }).map(String);
    const unwanted = files.filter(
      (name) => /\.test\.|\.map$|(?<!\.d)\.ts$/.test(name) && !name.startsWith("src/distroless/keys"),
    );
    assert.deepEqual(unwanted, []);
  });
});
