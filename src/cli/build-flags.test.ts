import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { build } from "./commands/build.ts";
import { globalFlags } from "./parse-flags.ts";

/** `docker buildx build` of docker 28 (buildx 0.29), long names, those that it hides included. */
const dockers =
  `add-host allow annotation attest build-arg build-context builder cache-from cache-to call cgroup-parent check compress
  cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems debug file force-rm iidfile isolation label load memory memory-swap
  metadata-file network no-cache no-cache-filter output platform progress provenance pull push quiet rm sbom secret security-opt
  shm-size squash ssh tag target ulimit`.split(/\s+/);

const page = readFileSync("docs/build-flags.md", "utf8");
const rows = [...page.matchAll(/^\| (`-[^|]*) \| (supported|refused) \| ([^|]*)\|$/gm)];
const stated = new Map(
  rows.flatMap(([, names = "", state = "", note = ""]) =>
    [...names.matchAll(/`--([a-z0-9-]+)`/g)].map(
      ([, name = ""]) => [name, { state, note: note.trim() }] as const,
    ),
  ),
);

test("docs/build-flags.md has every flag of docker, and none besides", () => {
  assert.deepEqual([...stated.keys()].sort(), dockers);
});

test("what the page calls supported is taken, what it refuses is refused with a reason", () => {
  const taken = { ...build.flags, ...globalFlags };
  for (const [name, { state, note }] of stated) {
    assert.equal(Object.hasOwn(taken, name), state === "supported", `--${name}`);
    if (state === "supported") continue;
    assert.notEqual(note, "", `--${name}: say why`);
    assert.ok(build.refused?.[name], `--${name} is refused by name`);
  }
  assert.equal(build.notYet, undefined);
});

test("lighter's own flags are on the page", () => {
  for (const name of Object.keys(build.flags))
    assert.ok(dockers.includes(name) || page.includes(`\`--${name}`), `--${name}`);
});
