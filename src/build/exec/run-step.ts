import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cleanup, isLighterError } from "#base";
import type { ExecOp } from "#plan";
import {
  type Attachment,
  buildSpec,
  canLimitSwap,
  claimContainer,
  type ResolvedUser,
  type RuntimeSpec,
  readSpecFacts,
  resolveUser,
  specResources,
} from "#runtime";
import { cleanPath } from "../tree/tree.ts";
import { dropUntouched, type MountPoint, makeMountPoints } from "./mount-stubs.ts";
import { type Prepared, runFailed, type Step, type StepOptions } from "./step.ts";
import { prepareMounts } from "./step-mounts.ts";
import { unconfined } from "./unconfined.ts";

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
  const user = resolveUser(host, rootfs, numericUser(op.user));
  points.push(...mountPoints(mounts), { path: op.cwd, kind: "directory", stays: true, owner: user });
  scope.use(makeMountPoints(points, { rootfs, layers, files: host.files }));
  const request = {
    containerId: options.id,
    hostname: hostnameOf(op),
    network: op.network === "default" ? options.defaultNetwork : op.network,
    extraHosts: op.extraHosts.map(({ host: name, ip }) => ({ name, address: ip })),
  };
  await options.networks.lend(request, async (attachment) => {
    const spec = specOf(step, { rootfs, mounts, attachment, user });
    try {
      await runContainer(step, spec, claim.bundle);
    } catch (error) {
      if (options.onFailure !== undefined && isLighterError(error, "RUN_FAILED"))
        await options.onFailure(error, async () => {
          const { openShell } = await import("./debug-shell.ts");
          return await openShell(step, spec);
        });
      throw error;
    }
  });
}

function hostnameOf(op: ExecOp): string {
  return op.hostname ?? "buildkitsandbox";
}

function mountPoints({ mounts }: Prepared): readonly MountPoint[] {
  // What every container has stays, as it does where runc makes it.
  const common = ["/proc", "/dev", "/sys"].map((path) => ({ path, kind: "directory", stays: true }) as const);
  const files = ["/etc/resolv.conf", "/etc/hosts"].map((path) => ({ path, kind: "file" }) as const);
  // What only a mount wants goes again, so it is made first.
  return [...mounts.map(({ destination, kind }) => ({ path: destination, kind })), ...common, ...files];
}

/** Beside a group, BuildKit takes `root` for the number, which needs no file of the image. */
function numericUser(user = ""): string {
  return /^(?:root|\d+):(?:root|\d+)$/.test(user) ? user.replaceAll("root", "0") : user;
}

/** As BuildKit writes it, whatever the network; the network knows what `host-gateway` is. */
function hostsOf(op: ExecOp, { hosts }: Attachment): string {
  const extra = new Set(op.extraHosts.map(({ host }) => host));
  const lines = hosts.split("\n").filter((line) => extra.has(line.split("\t")[1] ?? ""));
  const own = [`127.0.0.1\tlocalhost ${hostnameOf(op)}`, "::1\tlocalhost ip6-localhost ip6-loopback"];
  return [...own, ...lines].map((line) => `${line}\n`).join("");
}

interface Environment {
  readonly rootfs: string;
  readonly mounts: Prepared;
  readonly attachment: Attachment;
  readonly user: ResolvedUser;
}

function specOf({ op, options, directory }: Step, environment: Environment): RuntimeSpec {
  const { rootfs, mounts, attachment, user } = environment;
  const files = { hosts: join(directory, "hosts"), resolvConf: join(directory, "resolv.conf") };
  writeFileSync(files.hosts, hostsOf(op, attachment), { mode: 0o644 });
  writeFileSync(files.resolvConf, attachment.resolvConf, { mode: 0o644 });
  const { namespacePath } = attachment;
  const spec = buildSpec(
    {
      id: options.id,
      rootfs,
      args: op.args,
      env: [...op.proxyEnv, ...op.env, ...mounts.env],
      cwd: `/${cleanPath(op.cwd)}`,
      user,
      hostname: hostnameOf(op),
      network: namespacePath === undefined ? "host" : { path: namespacePath },
      files,
      mounts: mounts.mounts.map(({ kind: _kind, ...mount }) => mount),
      rlimits: op.ulimits.map(({ name, soft, hard }) => ({
        type: `RLIMIT_${name.toUpperCase()}`,
        soft,
        hard,
      })),
      ...(options.cgroupParent !== undefined && { cgroupParent: options.cgroupParent }),
      ...(options.limits !== undefined && {
        resources: specResources(options.limits, canLimitSwap(options.host)),
      }),
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
