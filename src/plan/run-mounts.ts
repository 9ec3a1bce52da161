import { posix } from "node:path";
import { type Mount, parseMount, quote, type RunInstruction } from "#dockerfile";
import { pathsOfContext } from "./context.ts";
import { mainContextTree } from "./context-source.ts";
import { fault } from "./fault.ts";
import type { CacheMount, Edge, ExecMount, SecretMount, SshMount } from "./graph.ts";
import { cleanPath, rootedPath } from "./paths.ts";
import type { StageState } from "./stage-state.ts";
import type { Step } from "./step.ts";

/** The mounts of a RUN in the order of its flags. The trees they take are appended to `inputs`. */
export function readMounts(step: Step, instruction: RunInstruction, inputs: Edge[]): ExecMount[] {
  const mounts: ExecMount[] = [];
  instruction.mounts.forEach(({ text }, index) => {
    const mount = parseMount(text, step.expand);
    const source = step.command.sources[index];
    mounts.push(Object.freeze(readMount({ step, mount, source, inputs, mounts })));
  });
  return mounts;
}

interface MountScope {
  readonly step: Step;
  readonly mount: Mount;
  readonly source: StageState | undefined;
  readonly inputs: Edge[];
  /** Those before this one. */
  readonly mounts: readonly ExecMount[];
}

function readMount(scope: MountScope): ExecMount {
  const { mount, source } = scope;
  if (mount.from !== "" && source?.isDispatched === false)
    throw fault(
      `cannot mount from stage ${quote(mount.from)} to ${quote(mount.target)}, stage needs to be defined before current command`,
    );
  switch (mount.type) {
    case "secret":
      return secretMount(scope);
    case "ssh":
      return sshMount(scope);
    case "tmpfs":
      return {
        kind: "tmpfs",
        target: targetOf(scope),
        ...(mount.sizeBytes > 0 && { sizeBytes: mount.sizeBytes }),
      };
    case "cache":
      return cacheMount(scope);
    case "bind":
      return {
        kind: "bind",
        target: targetOf(scope),
        ...inputOf(scope),
        source: rootedPath(mount.source),
        readonly: mount.readOnly,
      };
  }
}

function targetOf({ step, mount }: MountScope): string {
  const target = posix.isAbsolute(mount.target)
    ? cleanPath(mount.target)
    : rootedPath(`${step.state.workdir}/${mount.target}`);
  if (target === "/")
    throw fault(`invalid mount target ${quote(target)}`, { hint: "name a directory below the root" });
  return target;
}

/** The tree that a mount shows: that of `from`, else the build context. */
function inputOf({ step, mount, source, inputs }: MountScope): { readonly input?: number } {
  const path = rootedPath(mount.source);
  const fromContext = mount.from === "";
  (fromContext ? pathsOfContext(step.context, "context") : source?.paths)?.add(path);
  const tree = fromContext ? mainContextTree(step.context) : source?.tree;
  return tree === undefined ? {} : { input: inputs.push(tree) - 1 };
}

function cacheMount(scope: MountScope): CacheMount {
  const { mount, step } = scope;
  const target = targetOf(scope);
  const id = mount.id === "" ? cleanPath(mount.target) : mount.id;
  return {
    kind: "cache",
    target,
    id: `${namespaceOf(step)}/${id}`,
    sharing: mount.sharing ?? "shared",
    readonly: mount.readOnly,
    ...(mount.from !== "" && inputOf(scope)),
    source: rootedPath(mount.source),
    ...(mount.mode !== undefined && { mode: mount.mode }),
    ...(mount.uid !== undefined && { uid: mount.uid }),
    ...(mount.gid !== undefined && { gid: mount.gid }),
  };
}

function namespaceOf({ context }: Step): string {
  return context.options.cacheNamespace ?? context.buildArgs.get("BUILDKIT_CACHE_MOUNT_NS") ?? "";
}

function secretMount({ step, mount }: MountScope): SecretMount {
  const id = mount.source || mount.id || posix.basename(mount.target);
  if (id === "") throw fault("one of source, target required");
  const { secrets } = step.state.outline;
  if (!secrets.has(id)) secrets.set(id, { required: mount.required, range: step.range });
  const target =
    mount.target === "" && mount.env === undefined ? `/run/secrets/${posix.basename(id)}` : mount.target;
  return {
    kind: "secret",
    id,
    ...(target !== "" && { target }),
    ...(mount.env !== undefined && { env: mount.env || id }),
    required: mount.required,
    ...ownerOf(mount, 0o400),
  };
}

function sshMount({ step, mount, mounts }: MountScope): SshMount {
  if (mount.source !== "") throw fault("ssh does not support source");
  const id = mount.id || "default";
  const { ssh } = step.state.outline;
  if (!ssh.has(id)) ssh.set(id, { required: mount.required, range: step.range });
  const index = mounts.filter(({ kind }) => kind === "ssh").length;
  const target = mount.target || `/run/buildkit/ssh_agent.${index}`;
  return { kind: "ssh", id, target, required: mount.required, ...ownerOf(mount, 0o600) };
}

function ownerOf(
  mount: Mount,
  mode: number,
): { readonly mode: number; readonly uid: number; readonly gid: number } {
  return { mode: mount.mode ?? mode, uid: mount.uid ?? 0, gid: mount.gid ?? 0 };
}
