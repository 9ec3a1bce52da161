import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Command } from "./command.ts";
import { create } from "./commands/create.ts";
import { run } from "./commands/run.ts";
import { commandAliases, commandLoaders } from "./commands.ts";
import dockers from "./docker-28-flags.json" with { type: "json" };

// docker-28-flags.json: the long names that `docker COMMAND --help` of docker 28.5 shows.
const page = readFileSync("docs/docker-flags.md", "utf8");
const rows = [...page.matchAll(/^\| (`-[^|]*) \| (\w+) \| ([^|]*)\|$/gm)];
const stated = new Map(
  rows.flatMap(([, names = "", state = "", note = ""]) =>
    namesIn(names).map((name) => [name, { state, note: note.trim() }] as const),
  ),
);

function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/`--([a-z0-9-]+)`/g)].map(([, name = ""]) => name);
}

test("docs/docker-flags.md has every flag of docker's run, and none besides", () => {
  assert.deepEqual([...stated.keys()].sort(), dockers.run.split(" ").sort());
});

test("what the page calls supported is taken, what it refuses or plans is refused by name", () => {
  for (const [name, { state, note }] of stated) {
    assert.match(state, /^(supported|refused|planned)$/, name);
    assert.equal(Object.hasOwn(run.flags, name), state === "supported", `--${name} of run`);
    if (state === "planned") assert.ok(run.notYet?.includes(name), `--${name} is refused by name`);
    assert.equal(
      run.refused?.[name] !== undefined,
      state === "refused",
      `--${name} is refused with a reason`,
    );
    if (state === "refused") assert.notEqual(note, "", `--${name}: say why`);
    const isOfRun = ["detach", "detach-keys", "sig-proxy"].includes(name);
    assert.equal(Object.hasOwn(create.flags, name), state === "supported" && !isOfRun, `--${name} of create`);
  }
});

function stateOf({ flags, refused, notYet }: Command, name: string): string {
  if (Object.hasOwn(flags, name)) return "supported";
  if (refused?.[name] !== undefined) return "refused";
  return notYet?.includes(name) === true ? "planned" : "unknown";
}

test("the page has every flag of docker's other commands, as the commands have it", async () => {
  const others = Object.entries(dockers).filter(([name]) => name !== "run" && name !== "create");
  for (const [name, words] of others) {
    const command = await commandLoaders[commandAliases[name] ?? name]?.();
    assert.ok(command, `there is no ${name}`);
    const row = new RegExp(`^\\| \`${name}\` \\| ([^|]*)\\| ([^|]*)\\| ([^|]*)\\|$`, "m").exec(page);
    assert.ok(row, `docs/docker-flags.md has no row for ${name}`);
    const [, supported = "", refused = "", planned = ""] = row;
    const told = new Map([
      ...namesIn(supported).map((flag) => [flag, "supported"] as const),
      ...namesIn(refused).map((flag) => [flag, "refused"] as const),
      ...namesIn(planned).map((flag) => [flag, "planned"] as const),
    ]);
    const real = words
      .split(" ")
      .filter(Boolean)
      .map((flag) => [flag, stateOf(command, flag)] as const);
    assert.deepEqual([...told].sort(), real.sort(), name);
  }
});
