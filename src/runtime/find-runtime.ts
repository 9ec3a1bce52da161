import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, LighterError } from "#base";
import type { Host } from "#host";
import { readAnswer, writeAnswer } from "./answer.ts";
import { buildSpec } from "./build-spec.ts";
import { claimContainer } from "./container-claim.ts";
import { openRuntime, type RuntimeHost } from "./oci-runtime.ts";
import type { Runtime } from "./runtime.ts";
import { stateDirectoryOf } from "./runtime-state.ts";
import { readSpecFacts } from "./spec-facts.ts";

/** Where to look and what to take. */
export interface FindRuntimeOptions {
  /** `<root>/run`: state of the containers and the answer of the last probe. */
  readonly runDirectory: string;
  /** Take this one or fail. @defaultValue crun where it works, else runc */
  readonly name?: Runtime["name"];
}

type ProbeHost = RuntimeHost & Pick<Host, "locks" | "mounts" | "probes">;

/**
 * Finds the runtime that works on this host. A runtime is tried once, by running a container without a program; the
 * answer is kept until a program changes or the host boots again. Enters the private mount namespace, without
 * which crun refuses hybrid cgroup hosts.
 * @throws PRIVILEGE_MISSING, RUNTIME_MISSING, RUNTIME_FAILED with the words of each runtime that was tried
 */
export async function findRuntime(host: ProbeHost, options: FindRuntimeOptions): Promise<Runtime> {
  host.probes.requirePrivilege("run a container");
  host.mounts.enterPrivateNamespace();
  const names = options.name === undefined ? (["crun", "runc"] as const) : [options.name];
  const candidates = names.flatMap((name) => candidate(host, name, options.runDirectory));
  if (candidates.length === 0) throw missing(names);
  const answerPath = join(options.runDirectory, "runtime.json");
  const question = candidates.map(({ key }) => key);
  const answer = readAnswer(answerPath, question);
  const proven = candidates.find(({ runtime }) => runtime.name === answer);
  if (proven !== undefined) return proven.runtime;
  const failures: unknown[] = [];
  for (const { runtime } of candidates) {
    try {
      await tryRuntime(host, options.runDirectory, runtime);
      writeAnswer(answerPath, { question, works: runtime.name });
      return runtime;
    } catch (error) {
      failures.push(error);
    }
  }
  throw unusable(failures);
}

interface Candidate {
  readonly runtime: Runtime;
  /** Changes with the program and with each boot. */
  readonly key: string;
}

function candidate(host: ProbeHost, name: Runtime["name"], runDirectory: string): readonly Candidate[] {
  const path = host.processes.find(name);
  if (path === undefined) return [];
  const { mtimeMs, size, ino } = statSync(path);
  return [
    {
      runtime: openRuntime(host, {
        name,
        path,
        stateDirectory: stateDirectoryOf(runDirectory, name),
      }),
      key: [path, mtimeMs, size, ino, host.probes.bootId()].join(" "),
    },
  ];
}

/** Runs a container whose program is an empty file: all goes well up to the last step, which has one right failure. */
async function tryRuntime(host: ProbeHost, runDirectory: string, runtime: Runtime): Promise<void> {
  mkdirSync(runDirectory, { recursive: true, mode: 0o711 });
  using claim = claimContainer(host, runDirectory, `probe-${runtime.name}-${randomUUID()}`);
  const rootfs = mkdtempSync(join(claim.directory, "rootfs-"));
  writeFileSync(join(rootfs, "probe"), "", { mode: 0o755 });
  const spec = buildSpec({ id: claim.id, rootfs, args: ["/probe"], hostname: "probe" }, readSpecFacts(host));
  let words = "";
  const stdio = {
    kind: "capture",
    onStdout: () => {},
    onStderr: (chunk: Uint8Array) => (words += chunk),
  } as const;
  try {
    await runtime.run({ id: claim.id, bundle: claim.bundle, spec, stdio });
  } finally {
    await runtime.remove(claim.id);
  }
  if (!/exec format error/i.test(words))
    throw new LighterError(
      "RUNTIME_FAILED",
      `cannot run a container with "${runtime.path}": ${words.trim()}`,
    );
}

function missing(names: readonly string[]): LighterError {
  return new LighterError(
    "RUNTIME_MISSING",
    `cannot run containers: ${names.join(" and ")} not found on PATH; install one, for example with "apt install crun"`,
  );
}

function unusable(failures: readonly unknown[]): LighterError {
  const words = failures.map(errorMessage).join("; ");
  return new LighterError("RUNTIME_FAILED", `cannot run containers on this host: ${words}`, {
    cause: failures[0],
  });
}
