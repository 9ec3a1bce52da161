import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";

const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];

test("the picture in ARCHITECTURE.md shows the rooms and levels of layers.json", () => {
  const { levels } = JSON.parse(readFileSync("layers.json", "utf8")) as { levels: string[][] };
  const picture = /```\n(L0 [\s\S]*?)```/.exec(readFileSync("ARCHITECTURE.md", "utf8"))?.[1] ?? "";
  const shown: string[][] = [];
  for (const line of picture.trimEnd().split("\n")) {
    const [, level, room = ""] = /^(?:L(\d)| {2}) {2}(\w+) /.exec(line) ?? [];
    if (level !== undefined) shown[Number(level)] = [];
    shown.at(-1)?.push(room);
  }
  const sorted = (rows: readonly (readonly string[])[]) => rows.map((row) => [...row].sort());
  assert.deepEqual(sorted(shown), sorted(levels));
});

test("every room has a door and a page, and a room that is to come has none", () => {
  const { levels } = JSON.parse(readFileSync("layers.json", "utf8")) as { levels: string[][] };
  const rooms = readdirSync("src");
  assert.deepEqual(
    rooms.filter((room) => !levels.flat().includes(room)),
    [],
  );
  for (const room of rooms) {
    assert.ok(
      existsSync(join("src", room, room === "cli" ? "main.ts" : "index.ts")),
      `src/${room} has no door`,
    );
    assert.ok(existsSync(join("src", room, "README.md")), `src/${room} has no page`);
    assert.ok(
      readFileSync(join("src", room, "README.md"), "utf8").split("\n").length <= 61,
      `src/${room}: page too long`,
    );
  }
});

test("links and paths in the pages lead somewhere", () => {
  const adrs = readdirSync("docs/adr").map((name) => `docs/adr/${name}`);
  for (const page of [...pages, "docs/commands.md", "docs/errors.md", ...adrs]) {
    const text = readFileSync(page, "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      assert.ok(existsSync(resolve(dirname(page), target)), `${page}: ${target} does not exist`);
    }
    // A word in capitals stands for a name of the reader's choice.
    for (const [, path = ""] of text.matchAll(/`((?:src|docs|scripts|test|bench|examples)\/[\w./-]+)`/g))
      if (!/\b[A-Z]{3,}\b/.test(path.replace(/README/, "")))
        assert.ok(existsSync(path), `${page}: ${path} does not exist`);
  }
});
