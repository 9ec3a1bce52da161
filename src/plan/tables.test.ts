import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isLighterError } from "#base";
import { type Range, silentReporter } from "#dockerfile";
import { readPorts } from "./expose.ts";
import { findGitReference } from "./git-reference.ts";

// Tables of inputs and answers from the reference builder's own tests: https://github.com/moby/buildkit (v0.32.2).
const CORPUS = join(process.cwd(), "../shared/corpora/tables.tar.gz");
const missing = existsSync(CORPUS) ? false : `no corpus at ${CORPUS}`;

interface GitCase {
  readonly ref: string;
  readonly err?: string;
  readonly expected?: {
    readonly [Field in "Remote" | "ShortName" | "Ref" | "SubDir" | "Checksum"]?: string;
  } & {
    readonly FetchByCommit?: boolean;
    readonly KeepGitDir?: boolean;
    readonly Submodules?: boolean;
    readonly IndistinguishableFromLocal?: boolean;
    readonly UnencryptedTCP?: boolean;
  };
}

interface PortCase {
  readonly spec: string;
  readonly expected?: readonly string[];
  readonly expError?: string;
}

describe("tables", { skip: missing }, () => {
  test("git references", () => {
    const cases: GitCase[] = read("git-ref.json")["TestParseGitRef.cases"];
    let right = 0;
    for (const { ref, err, expected } of cases) {
      if (err !== undefined)
        assert.match(
          refusal(() => findGitReference(ref)),
          new RegExp(err),
          ref,
        );
      else assert.deepEqual(found(ref), expected ?? undefined, ref);
      right++;
    }
    console.log(`tables: git references ${right}/${cases.length}`);
  });

  test("ports", () => {
    const tables = read("dockerfile2llb.json");
    const cases: PortCase[] = [
      ...tables["TestPartPortIPV6.cases"],
      ...tables["TestParsePortEmptyContainerPort.tests"],
    ];
    let right = 0;
    for (const { spec, expected, expError } of cases) {
      const run = () => readPorts([spec], { range: RANGE, reporter: silentReporter, spend: () => undefined });
      if (expError === undefined) assert.deepEqual(run(), expected, spec);
      else assert.equal(refusal(run), expError, spec);
      right++;
    }
    console.log(`tables: ports ${right}/${cases.length}`);
  });
});

const START = { line: 1, column: 1, offset: 0 };
const RANGE: Range = { start: START, end: START };

/** A reference in the words of the table. */
function found(text: string): GitCase["expected"] {
  const git = findGitReference(text);
  if (git === undefined) return undefined;
  const subdir = git.subdir?.replace(/^\//, "");
  return {
    ...(git.checksum === undefined ? {} : { Checksum: git.checksum }),
    ...(git.fetchByCommit ? { FetchByCommit: true } : {}),
    ...(git.isLikeLocalPath ? { IndistinguishableFromLocal: true } : {}),
    ...(git.keepGitDir === undefined ? {} : { KeepGitDir: git.keepGitDir }),
    ...(git.mtime === undefined ? {} : { MTime: git.mtime }),
    ...(git.ref === undefined ? {} : { Ref: git.ref }),
    Remote: git.remote,
    ShortName: git.shortName,
    ...(git.submodules === undefined ? {} : { Submodules: git.submodules }),
    ...(subdir === undefined ? {} : { SubDir: text.includes("subdir=/") ? `/${subdir}` : subdir }),
    ...(git.isUnencrypted ? { UnencryptedTCP: true } : {}),
  };
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(isLighterError(error));
    return error.message;
  }
  return "not refused";
}

function read(name: string) {
  const { stdout } = spawnSync("tar", ["-xzOf", CORPUS, `tables/${name}`], { encoding: "utf8" });
  return JSON.parse(stdout);
}
