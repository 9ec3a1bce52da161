import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import { claimContainer, type RuntimeSpec } from "#runtime";
import { LayeredTree } from "../tree/layered-tree.ts";
import { resolveInTree } from "../tree/resolve.ts";
import type { Step } from "./step.ts";

/** Where the files of a step without a shell of its own are, beside the tools. */
const besideTools = "/target";
const shells = ["/bin/bash", "/bin/sh", "/bin/ash", "/busybox/sh"];

/**
 * Opens a shell on the caller's streams where a step failed: in its tree as the step left it, with its mounts, variables,
 * directory, user and network. A tree without a shell stands at `/target` of one that has tools.
 * @param spec what the step ran with
 * @returns the status of the shell
 */
export async function openShell(step: Step, spec: RuntimeSpec): Promise<number> {
  const { options } = step;
  const own = findShell(step);
  const shellSpec =
    own === undefined ? await withTools(step, spec) : { ...spec, process: interactive(spec, own) };
  const id = `${options.id}-shell`;
  using claim = claimContainer(options.host, options.runDirectory, id);
  return await options.runtime.run({
    id,
    bundle: claim.bundle,
    spec: inOwnCgroup(shellSpec, options.id, id),
    stdio: { kind: "inherit" },
    signal: options.signal,
  });
}

/** The failed step's group may not be gone yet. */
function inOwnCgroup(spec: RuntimeSpec, from: string, to: string): RuntimeSpec {
  const { cgroupsPath } = spec.linux;
  if (cgroupsPath === undefined) return spec;
  return { ...spec, linux: { ...spec.linux, cgroupsPath: cgroupsPath.replace(new RegExp(`${from}$`), to) } };
}

function findShell({ options }: Step): string | undefined {
  const { snapshot, host } = options;
  const tree = new LayeredTree([snapshot.upper, ...snapshot.lower], host.files);
  return shells.find((path) => {
    const entry = tree.find(resolveInTree(tree, path, true));
    return entry?.kind === "file" && (entry.mode & 0o111) !== 0;
  });
}

function interactive({ process: failed }: RuntimeSpec, shell: string): RuntimeSpec["process"] {
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const hasTerm = failed.env.some((line) => line.startsWith("TERM="));
  return {
    ...failed,
    args: [shell],
    terminal: isTerminal,
    env: hasTerm ? failed.env : [...failed.env, "TERM=xterm"],
  };
}

async function withTools(step: Step, spec: RuntimeSpec): Promise<RuntimeSpec> {
  const { options, scope, directory } = step;
  const layers = await options.findTools?.();
  if (layers === undefined)
    throw new LighterError(
      "COMMAND_NOT_FOUND",
      "cannot open a shell in the failed step: its tree has none, and there is no image with tools; bring one with lighter pull busybox",
    );
  const root = join(directory, "tools");
  const scratch = { upper: join(directory, "tools-fs"), work: join(directory, "tools-work") };
  for (const path of [root, scratch.upper, scratch.work, join(scratch.upper, "target")]) mkdirSync(path);
  scope.use(options.host.mounts.overlay({ target: root, lower: layers, ...scratch }));
  const isOfStep = ({ destination }: { readonly destination: string }): boolean =>
    step.op.mounts.some((mount) => "target" in mount && mount.target === destination);
  return {
    ...spec,
    root: { path: root },
    process: {
      ...interactive(spec, "/bin/sh"),
      cwd: join(besideTools, spec.process.cwd),
      user: { uid: 0, gid: 0 },
      env: [
        ...interactive(spec, "").env,
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      ],
    },
    mounts: [
      ...spec.mounts.filter((mount) => !isOfStep(mount)),
      {
        destination: besideTools,
        type: "bind",
        source: spec.root.path,
        options: ["rbind", "nosuid", "nodev"],
      },
      ...spec.mounts
        .filter(isOfStep)
        .map((mount) => ({ ...mount, destination: join(besideTools, mount.destination) })),
    ],
  };
}
