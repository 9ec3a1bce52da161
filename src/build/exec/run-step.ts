import { closeSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cleanup, isLighterError, LighterError } from "#base";
import type { Host } from "#host";
import type { BindMount, CacheMount, ExecMount, ExecOp } from "#plan";
import {
  type Attachment,
  buildSpec,
  claimContainer,
  type Runtime,
  type RuntimeSpec,
  readSpecFacts,
  resolveUser,
  type SpecMount,
} from "#runtime";
import type { ActiveSnapshot } from "#snapshot";
import { cleanPath } from "../tree/tree.ts";
import { holdCacheMount } from "./cache-mounts.ts";
import { dropUntouched, type MountPoint, makeMountPoints } from "./mount-stubs.ts";
import type { NetworkPool } from "./network-pool.ts";
import { type FindSecret, findSecret, forwardAgent, openSecretDirectory } from "./secret-files.ts";
import { unconfined } from "./unconfined.ts";

/** Layers of a tree, top first, and where in it a mount starts. */
export interface MountSource {
  readonly layers: readonly string[];
  /** Clean, with no links in it. */
  readonly path: string;
  readonly isDirectory: boolean;
}

export interface StepOptions {
  /** Unique on this host. */
  readonly id: string;
  readonly snapshot: ActiveSnapshot;
  readonly host: Host;
  readonly runtime: Runtime;
  readonly networks: NetworkPool;
  /** What `--network=default` means: `bridge`, or a network that the caller named. */
  readonly defaultNetwork: string;
  readonly runDirectory: string;
  readonly cacheDirectory: string;
  readonly ignoreCache: boolean;
  readonly findSecret: FindSecret;
  /** Socket of the agent with that id. */
  readonly findAgent: (id: string) => string | undefined;
  readonly bindSource: (mount: BindMount) => Promise<MountSource>;
  readonly seedCache: (mount: CacheMount, directory: string) => Promise<void>;
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs one RUN instruction in its snapshot.
 * @throws RUN_FAILED when the program ends with a status other than 0
 */
export async function runStep(op: ExecOp, options: StepOptions): Promise<void> {
  options.host.mounts.enterPrivateNamespace();
  await using scope = new Cleanup();
  const points: MountPoint[] = [];
  const { snapshot, host } = options;
  // Undo runs backwards: this comes last, when the tree is no longer mounted.
  scope.defer(() =>
    dropUntouched(points, { upper: snapshot.upper, lower: snapshot.lower, files: host.files }),
  );
  const claim = scope.use(claimContainer(options.host, options.runDirectory, options.id));
  const step: Step = { op, options, scope, directory: claim.directory };
  const rootfs = join(claim.directory, "rootfs");
  mkdirSync(rootfs);
  scope.use(
    host.mounts.overlay({
      target: rootfs,
      lower: snapshot.lower,
      upper: snapshot.upper,
      work: snapshot.work,
    }),
  );
  const mounts = await prepareMounts(step);
  const layers = [snapshot.upper, ...snapshot.lower];
  points.push(...mountPoints(mounts));
  scope.use(makeMountPoints(points, { rootfs, layers, files: host.files }));
  const request = {
    containerId: options.id,
    hostname: hostnameOf(op),
    network: op.network === "default" ? options.defaultNetwork : op.network,
    extraHosts: op.extraHosts.map(({ host: name, ip }) => ({ name, address: ip })),
  };
  await options.networks.lend(request, async (attachment) => {
    const spec = specOf(step, { rootfs, mounts, attachment });
    await runContainer(step, spec, claim.bundle);
  });
}

interface Step {
  readonly op: ExecOp;
  readonly options: StepOptions;
  readonly scope: Cleanup;
  readonly directory: string;
}

interface Prepared {
  readonly mounts: readonly (SpecMount & { readonly kind: MountPoint["kind"] })[];
  readonly env: readonly string[];
}

function hostnameOf(op: ExecOp): string {
  return op.hostname ?? "buildkitsandbox";
}

function mountPoints({ mounts }: Prepared): readonly MountPoint[] {
  // What every container has stays, as it does where runc makes it.
  const common = ["/proc", "/dev", "/sys"].map((path) => ({ path, kind: "directory", stays: true }) as const);
  const files = ["/etc/resolv.conf", "/etc/hosts"].map((path) => ({ path, kind: "file" }) as const);
  return [...common, ...files, ...mounts.map(({ destination, kind }) => ({ path: destination, kind }))];
}

async function prepareMounts(step: Step): Promise<Prepared> {
  const mounts: (SpecMount & { readonly kind: MountPoint["kind"] })[] = [...sharedMemory(step.op)];
  const env: string[] = [];
  const writeSecret = openSecretDirectory(join(step.directory, "secrets"), {
    mounts: step.options.host.mounts,
    scope: step.scope,
  });
  for (const [number, mount] of step.op.mounts.entries()) {
    const prepared = await prepareMount(mount, { ...step, number, writeSecret });
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
}

async function prepareMount(mount: ExecMount, step: MountStep): Promise<Partial<Prepared>> {
  switch (mount.kind) {
    case "bind":
      return { mounts: [await prepareBind(mount, step)] };
    case "cache":
      return { mounts: [await prepareCache(mount, step)] };
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
      const agent = step.options.findAgent(mount.id);
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
  const lower = source.layers.length === 0 ? [emptyDirectory(`${target}.empty`)] : source.layers;
  scope.use(options.host.mounts.overlay({ target, lower, ...scratch }));
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

function emptyDirectory(path: string): string {
  mkdirSync(path);
  return path;
}

async function prepareCache(
  mount: CacheMount,
  step: MountStep,
): Promise<SpecMount & { readonly kind: "directory" }> {
  const { options, scope } = step;
  const held = await holdCacheMount(mount, {
    directory: options.cacheDirectory,
    locks: options.host.locks,
    isFresh: options.ignoreCache,
    seed: mount.input === undefined ? undefined : (directory) => options.seedCache(mount, directory),
    signal: options.signal,
  });
  scope.use(held);
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

interface Environment {
  readonly rootfs: string;
  readonly mounts: Prepared;
  readonly attachment: Attachment;
}

function specOf({ op, options, directory }: Step, environment: Environment): RuntimeSpec {
  const { rootfs, mounts, attachment } = environment;
  const files = { hosts: join(directory, "hosts"), resolvConf: join(directory, "resolv.conf") };
  writeFileSync(files.hosts, attachment.hosts, { mode: 0o644 });
  writeFileSync(files.resolvConf, attachment.resolvConf, { mode: 0o644 });
  const { namespacePath } = attachment;
  const spec = buildSpec(
    {
      id: options.id,
      rootfs,
      args: op.args,
      env: [...op.proxyEnv, ...op.env, ...mounts.env],
      cwd: `/${cleanPath(op.cwd)}`,
      user: resolveUser(options.host, rootfs, op.user),
      hostname: hostnameOf(op),
      network: namespacePath === undefined ? "host" : { path: namespacePath },
      files,
      mounts: mounts.mounts.map(({ kind: _kind, ...mount }) => mount),
      rlimits: op.ulimits.map(({ name, soft, hard }) => ({
        type: `RLIMIT_${name.toUpperCase()}`,
        soft,
        hard,
      })),
      purpose: "build",
    },
    readSpecFacts(options.host),
  );
  return op.security === "insecure" ? unconfined(spec) : spec;
}

async function runContainer({ op, options }: Step, spec: RuntimeSpec, bundle: string): Promise<void> {
  const { onOutput } = options;
  try {
    const status = await options.runtime.run({
      id: options.id,
      bundle,
      spec,
      stdio: {
        kind: "capture",
        onStdout: (chunk) => onOutput("stdout", chunk),
        onStderr: (chunk) => onOutput("stderr", chunk),
      },
      signal: options.signal,
    });
    if (status !== 0) throw runFailed(op, status, `exit code: ${status}`);
  } catch (error) {
    if (!isLighterError(error, "COMMAND_NOT_FOUND", "COMMAND_NOT_EXECUTABLE")) throw error;
    throw runFailed(op, error.kind.exit, `exit code: ${error.kind.exit}: ${error.message}`);
  }
}

function runFailed(op: ExecOp, exitCode: number, state: string): LighterError {
  return new LighterError(
    "RUN_FAILED",
    `process ${JSON.stringify(op.args.join(" "))} did not complete successfully: ${state}`,
    { details: { args: op.args, exitCode } },
  );
}
