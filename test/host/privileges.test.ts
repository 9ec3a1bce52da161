import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { errorMessage, isLighterError } from "#base";
import { createHost, type Host } from "#host";
import { unprivileged } from "./machine.ts";

const attempts: Readonly<Record<string, (host: Host) => void>> = {
  requirePrivilege: (host) => host.probes.requirePrivilege("run a container"),
  enterPrivateNamespace: (host) => host.mounts.enterPrivateNamespace(),
  createNetwork: (host) => host.namespaces.createNetwork()[Symbol.dispose](),
  bind: (host) => host.mounts.bind("/tmp", "/tmp")[Symbol.dispose](),
};

const wanted: Readonly<Record<string, string>> = {
  requirePrivilege:
    "PRIVILEGE_MISSING cannot run a container: this needs root (CAP_SYS_ADMIN is missing); run it with sudo, or in a container with --privileged",
  enterPrivateNamespace:
    'PRIVILEGE_MISSING cannot make "a private mount namespace": operation not permitted (EPERM); run as root (CAP_SYS_ADMIN is missing)',
  createNetwork:
    'PRIVILEGE_MISSING cannot make "a network namespace": operation not permitted (EPERM); run as root (CAP_SYS_ADMIN is missing)',
  bind: 'PRIVILEGE_MISSING cannot mount "/tmp": operation not permitted (EPERM); run as root (CAP_SYS_ADMIN is missing)',
};

// This file starts itself again as another user and compares what that user is told.
const attempt = process.env["LIGHTER_TEST_ATTEMPT"];
if (attempt !== undefined) {
  try {
    attempts[attempt]?.(createHost());
    console.log("RESULT nothing was thrown");
  } catch (error) {
    console.log(`RESULT ${isLighterError(error) ? error.code : "?"} ${errorMessage(error)}`);
  }
} else {
  for (const [name, want] of Object.entries(wanted))
    test(`without privileges, ${name} says so in one sentence`, { skip: unprivileged }, () => {
      // Another user who may only read everything: the clone may lie in a home that is closed to others.
      const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
      const reading = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"];
      const { stdout } = spawnSync(
        "setpriv",
        [...user, ...reading, process.execPath, process.argv[1] ?? ""],
        { encoding: "utf8", env: { PATH: process.env["PATH"], LIGHTER_TEST_ATTEMPT: name } },
      );
      assert.equal(/RESULT (.*)/.exec(stdout)?.[1], want);
    });
}
