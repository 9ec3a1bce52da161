import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { LighterError } from "#base";
import { hastenCgroupMove, type RuntimeSpec, resolveUser, type SpecProcess } from "#runtime";
import { tell } from "./container-events.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { Parts } from "./parts.ts";
import { grantable } from "./spec-settings.ts";
import { withGroups } from "./user-groups.ts";

/** What `docker exec` asks for. */
export interface ExecRequest {
  readonly args: readonly string[];
  /** `NAME=value`, over the container's; `NAME` takes one away. */
  readonly env?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly privileged?: boolean;
  /** Does not wait. */
  readonly detach?: boolean;
  /** Keys that leave it running, on a terminal. @defaultValue `ctrl-p,ctrl-q` */
  readonly detachKeys?: string;
  readonly stdio?:
    | "inherit"
    | { readonly onStdout: (chunk: Uint8Array) => void; readonly onStderr: (chunk: Uint8Array) => void };
}

/**
 * Runs one more process in a running container.
 * @returns its status; 0 when detached
 * @throws CONTAINER_NOT_RUNNING, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, USER_NOT_FOUND, CONTAINER_INVALID
 */
export async function execContainer(
  parts: Parts,
  record: ContainerRecord,
  request: ExecRequest,
): Promise<number> {
  if (record.state.status !== "running") throw notRunning(record);
  if (request.workdir !== undefined && !posix.isAbsolute(request.workdir))
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot start in directory "${request.workdir}": it is no absolute path`,
      { details: { exit: 128 } },
    );
  hastenCgroupMove();
  parts.host.mounts.enterPrivateNamespace();
  const runtime = await parts.runtime(record.runtime);
  const bundle = join(parts.runDirectory, record.id, "bundle");
  const described = processOf(parts, { record, request, spec: readSpec(record, bundle) });
  const { stdio = "inherit", interactive = false, tty = false, detach = false } = request;
  const execID = newExecId();
  tell(parts, `exec_create: ${words(request)}`, record, { execID });
  tell(parts, `exec_start: ${words(request)}`, record, { execID });
  if (tty || detach) {
    const { execMonitored } = await import("./exec-monitored.ts");
    return await execMonitored(parts, { record, request, process: described, runtime, execID });
  }
  const status = await runtime.exec({
    id: record.id,
    process: described,
    directory: bundle,
    ...(record.namespaces.firstUser !== undefined && { owner: record.namespaces.firstUser }),
    stdio:
      stdio === "inherit"
        ? { kind: "inherit", stdin: interactive || tty ? "inherit" : "ignore" }
        : { kind: "capture", ...stdio },
  });
  tell(parts, "exec_die", record, { execID, exitCode: String(status) });
  return status;
}

/** Loading Node's random numbers would take longer than all else here. */
function newExecId(): string {
  return `${process.hrtime.bigint().toString(16)}${process.pid.toString(16)}`.padStart(64, "0");
}

function words({ args: [program = "", ...rest] }: ExecRequest): string {
  return `${program} ${rest.join(" ")}`;
}

function readSpec(record: ContainerRecord, bundle: string): RuntimeSpec {
  try {
    return JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
  } catch {
    throw notRunning(record);
  }
}

interface Asked {
  readonly record: ContainerRecord;
  readonly request: ExecRequest;
  readonly spec: RuntimeSpec;
}

/** The container's own process with another command; a further user is looked up in the container's files. */
function processOf({ host }: Parts, { record, request, spec }: Asked): SpecProcess {
  const { consoleSize: _, ...own } = spec.process;
  const tty = request.tty ?? false;
  const env = [...own.env, ...(tty ? ["TERM=xterm"] : []), ...(request.env ?? [])];
  const root = `/proc/${record.state.pid}/root`;
  const user =
    request.user === undefined
      ? undefined
      : withGroups(host, root, resolveUser(host, root, request.user), record.groupAdd);
  const variables = new Map(env.map((text) => [text.split("=", 1)[0] ?? "", text]));
  if (user !== undefined) variables.set("HOME", `HOME=${user.home}`);
  const set = [...variables.values()].filter((text) => text.includes("="));
  return {
    ...own,
    args: request.args,
    env: set,
    cwd: request.workdir ?? own.cwd,
    terminal: tty,
    ...(user === undefined
      ? {}
      : { user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids } }),
    ...(request.privileged === true ? { capabilities: privileges(user?.uid ?? own.user.uid) } : {}),
  };
}

/** Every capability that this process may give; who is not root has them in reserve alone. */
function privileges(uid: number): NonNullable<SpecProcess["capabilities"]> {
  const bounding = grantable();
  const held = uid === 0 ? bounding : [];
  return { bounding, effective: held, permitted: held, inheritable: [], ambient: [] };
}

export function notRunning(record: ContainerRecord): LighterError {
  return new LighterError(
    "CONTAINER_NOT_RUNNING",
    `cannot use container "${record.name}": it is ${record.state.status}; start it first`,
    { details: { id: record.id } },
  );
}
