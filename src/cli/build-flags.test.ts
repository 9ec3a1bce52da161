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
const stated = [...page.matchAll(/^\| (`-[^|]*) \| supported \|/gm)].flatMap(([, names = ""]) =>
  [...names.matchAll(/`--([a-z0-9-]+)`/g)].map(([, name = ""]) => name),
);

test("docs/build-flags.md has every flag of docker, and none besides", () => {
  assert.deepEqual([...stated].sort(), dockers);
});

test("what the page calls supported is taken", () => {
  const taken = { ...build.flags, ...globalFlags };
  for (const name of stated) assert.ok(Object.hasOwn(taken, name), `--${name}`);
});

test("lighter's own flags are on the page", () => {
  for (const name of Object.keys(build.flags))
    assert.ok(dockers.includes(name) || page.includes(`\`--${name}`), `--${name}`);
});
