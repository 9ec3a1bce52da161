import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePackages } from "./choose.ts";
import { PackagesIndex } from "./packages-index.ts";
import { Universe } from "./universe.ts";

const digest = "0".repeat(64);

/** An index written short: `name version | Field: value | Field: value` on each line. */
function indexOf(lines: string): PackagesIndex {
  const stanzas = lines
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [head = "", ...fields] = line.split(";").map((part) => part.trim());
      const [name = "", version = ""] = head.split(" ");
      const common = `Filename: pool/${name}_${version}.deb\nSize: 10\nSHA256: ${digest}\n`;
      return `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\n${common}${fields.join("\n")}\n`;
    });
  return new PackagesIndex(Buffer.from(stanzas.join("\n")), "amd64");
}

interface Case {
  readonly packages: readonly string[];
  readonly prefer?: readonly string[];
  readonly withRequired?: boolean;
}

function choose(
  lines: string | readonly string[],
  { packages, prefer = [], withRequired = false }: Case,
): string {
  const texts = typeof lines === "string" ? [lines] : lines;
  const universe = new Universe(texts.map(indexOf));
  const chosen = choosePackages({
    universe,
    architecture: "amd64",
    packages,
    prefer,
    withRequired,
    place: "Test",
  });
  return chosen.map(({ name, version }) => `${name}=${version}`).join(" ");
}

test("dependencies are followed, recommendations are not", () => {
  const index = "a 1; Depends: b (>= 1); Recommends: x\nb 1; Pre-Depends: c\nc 1\nx 1";
  assert.equal(choose(index, { packages: ["a"] }), "a=1 b=1 c=1");
});

test("essential and required packages join when asked for", () => {
  const index = "a 1\ne 1; Essential: yes\nr 1; Priority: required\no 1; Priority: important";
  assert.equal(choose(index, { packages: ["a"], withRequired: true }), "a=1 e=1 r=1");
});

test("of several suites the newest version counts", () => {
  assert.equal(
    choose(["a 1; Depends: b", "a 1.1; Depends: c\nc 2", "b 1"], { packages: ["a"] }),
    "a=1.1 c=2",
  );
});

test("of alternatives the first that can be had is taken, unless one is there already or preferred", () => {
  const index = "a 1; Depends: x | y\nb 1; Depends: y\nx 1\ny 1\nc 1; Depends: none | y";
  assert.equal(choose(index, { packages: ["a"] }), "a=1 x=1");
  assert.equal(choose(index, { packages: ["a", "b"] }), "a=1 b=1 y=1");
  assert.equal(choose(index, { packages: ["a"], prefer: ["y"] }), "a=1 y=1");
  assert.equal(choose(index, { packages: ["c"] }), "c=1 y=1");
});

test("bookworm's trap: usr-is-merged, not usrmerge with all of perl", () => {
  const index =
    "init 1; Depends: usrmerge | usr-is-merged\nusrmerge 1; Depends: perl\nperl 1\nusr-is-merged 1; Conflicts: usrmerge";
  assert.equal(choose(index, { packages: ["init"] }), "init=1 perl=1 usrmerge=1");
  assert.equal(choose(index, { packages: ["init"], prefer: ["usr-is-merged"] }), "init=1 usr-is-merged=1");
});

test("virtual packages", () => {
  const index =
    "a 1; Depends: mta\nexim 1; Provides: mta\nb 1; Depends: lib (>= 2)\nnew 9; Provides: lib (= 2.1)";
  assert.equal(choose(index, { packages: ["a"] }), "a=1 exim=1");
  assert.equal(choose(index, { packages: ["b"] }), "b=1 new=9");
  assert.equal(choose(index, { packages: ["mta"] }), "exim=1");
  const rank =
    "a 1; Depends: v\np1 1; Provides: v; Priority: optional\np2 1; Provides: v; Priority: important";
  assert.equal(choose(rank, { packages: ["a"] }), "a=1 p2=1");
});

test("an unversioned provision does not satisfy a versioned dependency", () => {
  const index = "a 1; Depends: lib (>= 2)\nnew 9; Provides: lib";
  assert.throws(() => choose(index, { packages: ["a"] }), {
    code: "DEPENDENCY_UNSATISFIABLE",
    message:
      'cannot install "a": it depends on lib (>= 2), and Test has lib only from new, in no fitting version',
  });
});

test("multi-arch qualifiers", () => {
  const index =
    "a 1; Depends: py:any\npy 1; Multi-Arch: allowed\nb 1; Depends: no:any\nno 1\nc 1; Depends: py:native";
  assert.equal(choose(index, { packages: ["a", "c"] }), "a=1 c=1 py=1");
  assert.throws(() => choose(index, { packages: ["b"] }), { code: "DEPENDENCY_UNSATISFIABLE" });
});

test("a conflict steers the choice", () => {
  const index = "a 1; Depends: x | y\nb 1; Conflicts: x\nx 1\ny 1";
  assert.equal(choose(index, { packages: ["a", "b"] }), "a=1 b=1 y=1");
});

test("a choice that ends in a contradiction is taken back", () => {
  const index = "a 1; Depends: x | y, z | w\nx 1; Depends: q\nq 1; Depends: gone\ny 1\nz 1; Breaks: y\nw 1";
  assert.equal(choose(index, { packages: ["a"] }), "a=1 w=1 y=1");
});

test("a package may conflict with a name that it provides itself", () => {
  const index = "exim 1; Provides: mta; Conflicts: mta\npostfix 1; Provides: mta; Conflicts: mta";
  assert.equal(choose(index, { packages: ["exim"] }), "exim=1");
  assert.throws(() => choose(index, { packages: ["exim", "postfix"] }), { code: "PACKAGES_CONFLICT" });
});

const failures = [
  {
    index: "a 1",
    packages: ["zz"],
    code: "PACKAGE_NOT_FOUND",
    message: 'cannot install "zz": Test has no package of that name; check the spelling and the suite',
  },
  {
    index: "a 1; Depends: b\nb 1; Depends: c\nc 1; Depends: gone",
    packages: ["a"],
    code: "DEPENDENCY_UNSATISFIABLE",
    message: 'cannot install "c" (needed by b < a): it depends on gone, and Test has no gone',
  },
  {
    index: "a 1; Depends: b (>= 2)\nb 1.5",
    packages: ["a"],
    code: "DEPENDENCY_UNSATISFIABLE",
    message: 'cannot install "a": it depends on b (>= 2), and Test has b 1.5',
  },
  {
    index: "a 1",
    packages: ["a (>= 2)"],
    code: "DEPENDENCY_UNSATISFIABLE",
    message: 'cannot install "a (>= 2)": Test has a 1',
  },
  {
    index: "a 1; Depends: x\nx 1; Breaks: b (<< 2)\nb 1",
    packages: ["b", "a"],
    code: "PACKAGES_CONFLICT",
    message: 'cannot install "x" (needed by a) together with "b": x 1 breaks b (<< 2); leave one of them out',
  },
  {
    index: "a 1; Conflicts: b\nb 1",
    packages: ["b", "a"],
    code: "PACKAGES_CONFLICT",
    message: 'cannot install "a" together with "b": a 1 conflicts with b; leave one of them out',
  },
] as const;

test("sets that cannot be: which and why", () => {
  for (const { index, packages, code, message } of failures)
    assert.throws(() => choose(index, { packages }), { code, message });
});

test("a cycle of dependencies is no problem", () => {
  assert.equal(choose("a 1; Depends: b\nb 1; Depends: a", { packages: ["a"] }), "a=1 b=1");
});
