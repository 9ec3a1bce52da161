import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createHost } from "#host";

/** Why tests that need the kernel's privileged calls cannot run here; false when they can. */
export const unprivileged: string | false =
  !createHost().probes.hasPrivilege() && "needs root (CAP_SYS_ADMIN)";

/** A directory that is removed when the test file ends. */
export function temporaryDirectory(name: string, parent = tmpdir()): string {
  const path = mkdtempSync(join(parent, `lighter-${name}-`));
  after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Output of a program of this machine, for comparison. */
export function outputOf(program: string, ...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return stdout;
}
