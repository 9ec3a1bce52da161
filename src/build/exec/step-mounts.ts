import { closeSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import type { BindMount, CacheMount, ExecMount, ExecOp } from "#plan";
import type { SpecMount } from "#runtime";
import { type HeldCache, holdCacheMounts } from "./cache-mounts.ts";
import type { MountPoint } from "./mount-stubs.ts";
import { findSecret, forwardAgent, openSecretDirectory } from "./secret-files.ts";
import { type Prepared, runFailed, type Step } from "./step.ts";

/** Prepares what `RUN --mount` asks for; undone with the step's scope. */
export async function prepareMounts(step: Step): Promise<Prepared> {
  const mounts: (SpecMount & { readonly kind: MountPoint["kind"] })[] = [...sharedMemory(step.op)];
  const env: string[] = [];
  const writeSecret = openSecretDirectory(join(step.directory, "secrets"), {
    mounts: step.options.host.mounts,
    scope: step.scope,
  });
  const caches = await holdCaches(step);
  for (const [number, mount] of step.op.mounts.entries()) {
    const prepared = await prepareMount(mount, { ...step, number, writeSecret, caches });
    mounts.push(...(prepared.mounts ?? []));
    // The first agent is the one that programs find.
    env.push(...(prepared.env ?? []).filter((text) => !env.some((known) => isSameVariable(known, text))));
  }
  return { mounts, env };
}

/** `--shm-size` is a mount of its own in BuildKit, with fewer flags than the usual one. */
function sharedMemory({ shmSizeBytes }: ExecOp): Prepared["mounts"] {
  if (shmSizeBytes === undefined) return [];
  const options = ["nosuid", `size=${shmSizeBytes}`];
  return [{ destination: "/dev/shm", type: "tmpfs", source: "tmpfs", options, kind: "directory" }];
}

function isSameVariable(a: string, b: string): boolean {
  return a.slice(0, a.indexOf("=")) === b.slice(0, b.indexOf("="));
}

interface MountStep extends Step {
  readonly number: number;
  readonly writeSecret: ReturnType<typeof openSecretDirectory>;
  readonly caches: Awaited<ReturnType<typeof holdCaches>>;
}

async function holdCaches({ op, options, scope }: Step): Promise<ReadonlyMap<CacheMount, HeldCache>> {
  return await holdCacheMounts(
    op.mounts.filter((mount) => mount.kind === "cache"),
    {
      directory: options.cacheDirectory,
      locks: options.host.locks,
      isFresh: options.ignoreCache,
      seed: options.seedCache,
      signal: options.signal,
      scope,
    },
  );
}

async function prepareMount(mount: ExecMount, step: MountStep): Promise<Partial<Prepared>> {
  switch (mount.kind) {
    case "bind":
      return { mounts: [await prepareBind(mount, step)] };
    case "cache":
      return { mounts: [prepareCache(mount, step)] };
    case "tmpfs": {
      const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
      const options = ["nosuid", ...size];
      return {
        mounts: [{ destination: mount.target, type: "tmpfs", source: "tmpfs", options, kind: "directory" }],
      };
    }
    case "secret": {
      const value = findSecret(mount, step.options.findSecret);
      if (value === undefined) return {};
      const env = mount.env === undefined ? [] : [`${mount.env}=${Buffer.from(value).toString()}`];
      if (mount.target === undefined) return { env };
      return { env, mounts: [boundFile(mount.target, step.writeSecret(mount, value))] };
    }
    case "ssh": {
      const agent = await step.options.findAgent(mount.id);
      if (agent === undefined && mount.required)
        throw new LighterError(
          "SECRET_NOT_FOUND",
          `ssh agent ${mount.id}: not found; give it with --ssh ${mount.id}`,
        );
      if (agent === undefined) return {};
      const path = join(step.directory, `ssh-${step.number}`);
      await forwardAgent(mount, { path, agent, scope: step.scope });
      return { env: [`SSH_AUTH_SOCK=${mount.target}`], mounts: [boundFile(mount.target, path)] };
    }
  }
}

function boundFile(destination: string, source: string): SpecMount & { readonly kind: "file" } {
  return {
    destination,
    type: "bind",
    source,
    options: ["bind", "ro", "nosuid", "nodev", "noexec"],
    kind: "file",
  };
}

async function prepareBind(
  mount: BindMount,
  step: MountStep,
): Promise<SpecMount & { readonly kind: MountPoint["kind"] }> {
  const { options, directory, number, scope } = step;
  const source = await options.bindSource(mount);
  const target = join(directory, `bind-${number}`);
  mkdirSync(target);
  const scratch = mount.readonly ? undefined : scratchLayer(`${target}.scratch`);
  scope.use(options.host.mounts.overlay({ target, lower: source.layers, ...scratch }));
  return {
    destination: mount.target,
    type: "bind",
    source: join(target, source.path),
    options: ["rbind", ...(mount.readonly ? ["ro"] : []), "nosuid", "nodev"],
    kind: source.isDirectory ? "directory" : "file",
  };
}

/** What a step writes to a bind mount lands here and is thrown away with the step's directory. */
function scratchLayer(path: string): { readonly upper: string; readonly work: string } {
  const layer = { upper: join(path, "fs"), work: join(path, "work") };
  for (const directory of [path, layer.upper, layer.work]) mkdirSync(directory);
  return layer;
}

function prepareCache(mount: CacheMount, step: MountStep): SpecMount & { readonly kind: "directory" } {
  const held = step.caches.get(mount);
  if (held === undefined)
    throw new LighterError("INTERNAL", `cannot mount cache "${mount.id}": it is not held`);
  return {
    destination: mount.target,
    type: "bind",
    source:
      mount.input === undefined && mount.source !== "/" ? partOfCache(mount, held.path, step) : held.path,
    options: ["rbind", ...(mount.readonly ? ["ro"] : []), "nosuid", "nodev"],
    kind: "directory",
  };
}

/**
 * `source=` of a cache mount that starts empty is a directory inside the cache. It is opened below the cache and bound
 * by its descriptor: a step that runs at the same time can put a link there, but nothing follows it (CVE-2024-23651).
 */
function partOfCache(
  mount: CacheMount,
  cache: string,
  { op, options, directory, number, scope }: MountStep,
): string {
  const fd = options.host.files.openInRoot(cache, mount.source);
  if (fd === undefined) throw runFailed(op, 1, `open ${mount.source}: no such file or directory`);
  try {
    const target = join(directory, `cache-${number}`);
    mkdirSync(target);
    scope.use(options.host.mounts.bind(`/proc/self/fd/${fd}`, target));
    return target;
  } finally {
    closeSync(fd);
  }
}
