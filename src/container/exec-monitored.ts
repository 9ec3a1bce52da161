import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import { type Running, randomHex } from "#host";
import { findMonitor, type Runtime, type SpecProcess } from "#runtime";
import { writeFacts } from "./container-events.ts";
import type { ContainerRecord, ContainerState } from "./container-record.ts";
import type { ExecRequest } from "./exec-container.ts";
import { MonitorSession } from "./monitor/session.ts";
import type { Parts } from "./parts.ts";
import { feed, outputTo, terminalSize, watchOutput } from "./streams.ts";

interface MonitoredExec {
  readonly record: ContainerRecord;
  readonly request: ExecRequest;
  readonly process: SpecProcess;
  readonly runtime: Runtime;
  readonly execID: string;
}

/**
 * A program with a monitor: one on a terminal, so that it goes on when its user leaves by the detach keys or is cut off, as
 * under docker; and one that nobody waits for, so that its end is told of.
 * @returns its status; 0 when it was left running
 */
export async function execMonitored(parts: Parts, exec: MonitoredExec): Promise<number> {
  const { record, request } = exec;
  const run = join(parts.runDirectory, record.id);
  if (request.detach === true) removeEnded(run);
  const directory = join(run, `exec-${randomHex(16)}`);
  const size = terminalSize();
  const monitor = spawnMonitor(parts, { ...exec, directory });
  const stream = monitor.channel(3);
  if (stream === undefined) throw new LighterError("INTERNAL", "cannot start the monitor: it has no channel");
  const stdio = request.detach === true ? "none" : request.stdio;
  // Before the session: the first output may come with the answer that the program runs.
  using output = watchOutput(stdio);
  using session = new MonitorSession(stream, outputTo(stdio));
  await session.ready();
  if (size !== undefined) session.resize(size.rows, size.columns);
  session.subscribe({ stdout: true, stdin: request.interactive === true });
  const ended = session.exited();
  if ((await session.started()) === "failed") {
    await monitor.exited;
    const failure = exec.runtime.readFailure({
      id: record.id,
      bundle: bundleOf(directory),
      spec: { process: exec.process },
    });
    rmSync(directory, { recursive: true, force: true });
    throw failure;
  }
  monitor.unref();
  if (request.detach === true) return 0;
  const status = await Promise.race([output.failed, follow(session, request, ended)]);
  if (status === "detached") return 0;
  await session.closed;
  rmSync(directory, { recursive: true, force: true });
  if (status !== undefined) return status;
  throw new LighterError(
    "RUNTIME_FAILED",
    `cannot follow the program in container "${record.name}": its monitor was killed`,
  );
}

async function follow(
  session: MonitorSession,
  { interactive = false, stdio = "inherit", detachKeys }: ExecRequest,
  ended: ReturnType<MonitorSession["exited"]>,
): Promise<number | "detached" | undefined> {
  const keys = detachKeys === undefined ? {} : { detachKeys };
  using feeding =
    interactive && stdio === "inherit" ? feed(session, { tty: true, ...keys }) : watchSize(session, stdio);
  const left = feeding.detached.then(() => "detached" as const);
  return await Promise.race([ended.then((exit) => exit?.exitCode), left]);
}

/** Who types nothing still has a window. */
function watchSize(session: MonitorSession, stdio: ExecRequest["stdio"]) {
  const onResize = (): void => {
    const size = terminalSize();
    if (size !== undefined) session.resize(size.rows, size.columns);
  };
  if (stdio === "inherit") process.stdout.on("resize", onResize);
  return {
    detached: new Promise<void>(() => {}),
    [Symbol.dispose]: () => void process.stdout.off("resize", onResize),
  };
}

/** What detached ones left when they ended: nobody was there to do it. One that did not start is its caller's. */
function removeEnded(run: string): void {
  for (const name of readdirSync(run)) {
    if (!name.startsWith("exec-")) continue;
    const state = readState(join(run, name, "state.json"));
    if (state?.status === "exited" && state.startedAt !== "")
      rmSync(join(run, name), { recursive: true, force: true });
  }
}

/** Undefined of one that is only beginning, or that another command removes. */
function readState(path: string): Partial<ContainerState> | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function bundleOf(directory: string): string {
  return join(directory, "bundle");
}

function spawnMonitor(parts: Parts, exec: MonitoredExec & { readonly directory: string }): Running {
  const { record, runtime, directory } = exec;
  const bundle = bundleOf(directory);
  mkdirSync(bundle, { recursive: true, mode: 0o700 });
  writeFileSync(join(bundle, "process.json"), JSON.stringify(exec.process), { mode: 0o600 });
  writeFacts(bundle, record, { execID: exec.execID });
  const options = {
    runtime: runtime.path,
    "runtime-root": runtime.stateDirectory,
    id: record.id,
    state: join(directory, "state.json"),
    "exec-process": "process.json",
    terminal: exec.request.tty === true ? 1 : 0,
    input: exec.request.interactive === true ? 1 : 0,
    events: parts.events.path,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return parts.host.processes.spawn(findMonitor(), args, {
    cwd: bundle,
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
}
