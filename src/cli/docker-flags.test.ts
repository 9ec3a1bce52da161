import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { create } from "./commands/create.ts";
import { run } from "./commands/run.ts";

/** `docker run --help` of docker 28, long names. */
const dockers =
  `add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile
  cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach detach-keys device
  device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops disable-content-trust dns dns-option
  dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval health-retries
  health-start-interval health-start-period health-timeout hostname init interactive ip ip6 ipc isolation kernel-memory label
  label-file link link-local-ip log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount
  name network network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit platform privileged publish
  publish-all pull quiet read-only restart rm runtime security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt
  sysctl tmpfs tty ulimit use-api-socket user userns uts volume volume-driver volumes-from workdir`.split(
    /\s+/,
  );

const rows = [
  ...readFileSync("docs/docker-flags.md", "utf8").matchAll(/^\| (`-[^|]*) \| (\w+) \| ([^|]*)\|$/gm),
];
const stated = new Map(
  rows.flatMap(([, names = "", state = "", note = ""]) =>
    [...names.matchAll(/`--([a-z0-9-]+)`/g)].map(
      ([, name = ""]) => [name, { state, note: note.trim() }] as const,
    ),
  ),
);

test("docs/docker-flags.md has every flag of docker, and none besides", () => {
  assert.deepEqual([...stated.keys()].sort(), [...dockers].sort());
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
