// The pages under docs that belong to the command line stay true because this writes (UPDATE_DOCS=1) or checks them.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { errorCodes } from "#base";
import { loadCommands } from "./commands.ts";
import { commandsPage } from "./reports/commands-page.ts";

const isUpdate = process.env["UPDATE_DOCS"] === "1";

test("docs/commands.md is what the commands say", async () => {
  const page = commandsPage(await loadCommands());
  if (isUpdate) writeFileSync("docs/commands.md", page);
  const hint = "write it anew with UPDATE_DOCS=1 node scripts/test.mjs src/cli";
  assert.equal(readFileSync("docs/commands.md", "utf8"), page, hint);
});

const head = ["| code | class | HTTP | exit | when, and what helps |", "|---|---|---|---|---|"];

test("docs/errors.md has every code, with its class, statuses and what helps", () => {
  const path = "docs/errors.md";
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const meanings = new Map(
    Array.from(text.matchAll(/^\| `([A-Z_]+)` \|.*\| ([^|]*) \|$/gm), ([, code = "", meaning = ""]) => [
      code,
      meaning,
    ]),
  );
  const rows = Object.entries(errorCodes).map(
    ([code, kind]) =>
      `| \`${code}\` | ${kind.class} | ${kind.http} | ${kind.exit} | ${meanings.get(code) ?? ""} |`,
  );
  const intro = text.slice(0, Math.max(0, text.indexOf(head[0] ?? "")));
  const page = `${intro}${[...head, ...rows].join("\n")}\n`;
  if (isUpdate) writeFileSync(path, page);
  assert.equal(
    isUpdate ? page : text,
    page,
    "run UPDATE_DOCS=1 node scripts/test.mjs src/cli, then say what helps",
  );
  for (const code of Object.keys(errorCodes))
    assert.ok(
      (meanings.get(code) ?? "").trim() !== "",
      `docs/errors.md: say when ${code} happens and what helps`,
    );
});
