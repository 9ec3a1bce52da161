import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LighterError } from "#base";
import { type Host, type Running, removeFile, type SpawnOptions } from "#host";
import { hastenCgroupMove, removeCgroups, removeStandIn } from "./cgroups.ts";
import { checkCommand } from "./check-command.ts";
import { withCompiledSeccomp } from "./compiled-seccomp.ts";
import { findMonitor } from "./find-monitor.ts";
import type { ContainerProcess, ExecProcess, ProcessStdio, Runtime } from "./runtime.ts";
import type { RuntimeSpec } from "./runtime-spec.ts";
import { readFailure, wordsOf } from "./runtime-words.ts";
import { defaultPath } from "./spec-defaults.ts";

/** Which program, and where it keeps what it knows of its containers. */
export interface RuntimeProgram {
  readonly name: Runtime["name"];
  readonly path: string;
  readonly stateDirectory: string;
}

/** What the driver needs of the host. */
export type RuntimeHost = Pick<Host, "files" | "processes" | "seccomp">;

// NOTIFY_SOCKET and LISTEN_FDS of a service that lighter runs in would be handed on to the container.
const environment = { PATH: defaultPath };
const stopGraceMs = 1000;
const settleMs = 5000;

/** Drives a runtime program by the command line that crun and runc share. */
export function openRuntime(host: RuntimeHost, program: RuntimeProgram): Runtime {
  const { name, path, stateDirectory } = program;
  const { processes } = host;
  const runtime: Runtime = {
    name,
    path,
    stateDirectory,
    writeBundle(container) {
      checkCommand(host, container.spec);
      writeBundle({ host, program, runtime }, container);
    },
    readFailure(container) {
      const failure = failureOf(join(container.bundle, "runtime.log"), { program, container });
      return failure ?? failed("start", container.id, `${name} gave no reason`);
    },
    exec: (request) => execProcess({ host, program, runtime }, request),
    async command(id, command, args = []) {
      const all = ["--root", stateDirectory, command, ...args, id];
      const { status, stdout, stderr } = await processes.run(path, all, { env: environment });
      if (status !== 0) throw failed(command, id, wordsOf(stderr.toString()));
      return stdout.toString();
    },
    run: (container) => runContainer({ host, program, runtime }, container),
    async kill(id, signal) {
      const args = ["--root", stateDirectory, "kill", id, String(constants.signals[signal])];
      const { status, stderr } = await processes.run(path, args, { env: environment });
      if (status !== 0) throw failed("signal", id, wordsOf(stderr.toString()));
    },
    async remove(id, cgroupPath) {
      const state = join(stateDirectory, id);
      if (existsSync(state)) {
        const args = ["--root", stateDirectory, "delete", "--force", id];
        const { status, stderr } = await processes.run(path, args, { env: environment });
        if (status !== 0 && existsSync(state)) throw failed("remove", id, wordsOf(stderr.toString()));
      }
      if (!(await removeCgroups(host, id, cgroupPath)))
        throw failed("remove", id, "its processes do not end");
    },
  };
  return runtime;
}

interface Driver {
  readonly host: RuntimeHost;
  readonly program: RuntimeProgram;
  readonly runtime: Runtime;
}

async function runContainer(driver: Driver, container: ContainerProcess): Promise<number> {
  if (container.signal?.aborted) throw cancelled(container.id);
  hastenCgroupMove();
  checkCommand(driver.host, container.spec);
  const log = join(container.bundle, "runtime.log");
  writeBundle(driver, { bundle: container.bundle, spec: sized(container) });
  rmSync(log, { force: true });
  const command = [driver.program.path, ...runArgs(driver.program, container, log)];
  const isCaptured = container.stdio.kind === "capture";
  const [program = "", ...args] = isCaptured
    ? relayed({ hasInput: false, owner: 0, pidFile: "-" }, command)
    : command;
  const running = driver.host.processes.spawn(program, args, {
    stdio: stdioOf(container.stdio),
    env: environment,
    // In a session of its own a Ctrl-C reaches lighter only, which decides; a terminal needs the caller's session.
    detached: container.spec.process.terminal !== true,
  });
  deliver(running, container.stdio);
  const exit = await exitOf(running, driver, container);
  removeStandIn(container.id);
  if (container.signal?.aborted) throw cancelled(container.id);
  if (exit.signal !== undefined) {
    await driver.runtime.remove(container.id);
    throw failed("run", container.id, `${driver.program.name} was killed by ${exit.signal}`);
  }
  if (exit.status !== 0) throwFailure(exit.status, log, { driver, container });
  return exit.status;
}

function writeBundle(
  { host, program }: Driver,
  { bundle, spec }: Pick<ContainerProcess, "bundle" | "spec">,
): void {
  mkdirSync(program.stateDirectory, { recursive: true, mode: 0o700 });
  const written = program.name === "crun" ? withCompiledSeccomp(host, program, spec) : spec;
  writeFileSync(join(bundle, "config.json"), JSON.stringify(written), { mode: 0o600 });
}

function sized({ spec, stdio }: Pick<ContainerProcess, "spec" | "stdio">): RuntimeSpec {
  return spec.process.terminal === true && stdio.kind === "inherit" ? withConsoleSize(spec) : spec;
}

/** Programs that ask for the size at once would get nothing: crun passes it on only after the start. */
function withConsoleSize(spec: RuntimeSpec): RuntimeSpec {
  const { isTTY, rows: height, columns: width } = process.stdout;
  return isTTY ? { ...spec, process: { ...spec.process, consoleSize: { height, width } } } : spec;
}

function runArgs(program: RuntimeProgram, container: ContainerProcess, log: string): readonly string[] {
  const general = ["--root", program.stateDirectory, "--log", log];
  return [...general, "run", "--bundle", container.bundle, container.id];
}

interface Relay {
  readonly hasInput: boolean;
  /** The user of the host that the program's streams belong to. */
  readonly owner: number;
  /** Where the runtime, which leaves, puts the program's number; `-` when it stays to the end. */
  readonly pidFile: string;
}

/**
 * The same with monitor/relay.c between, which gives pipes to a program and takes part in nothing else: Node's own are sockets,
 * that no program can open again as /dev/stdout.
 */
function relayed({ hasInput, owner, pidFile }: Relay, command: readonly string[]): readonly string[] {
  return [findMonitor(), "--relay", hasInput ? "1" : "0", String(owner), pidFile, ...command];
}

function stdioOf(stdio: ProcessStdio): SpawnOptions["stdio"] {
  return stdio.kind === "capture"
    ? ["ignore", "pipe", "pipe"]
    : [stdio.stdin ?? "inherit", "inherit", "inherit"];
}

function deliver(running: Running, stdio: ProcessStdio): void {
  if (stdio.kind !== "capture") return;
  running.stdout?.on("data", stdio.onStdout);
  running.stderr?.on("data", stdio.onStderr);
}

/** Waits for the end; when cancelled before, brings it about and leaves nothing of the container. */
async function exitOf(running: Running, driver: Driver, container: ContainerProcess): Running["exited"] {
  const { signal } = container;
  if (signal === undefined) return await running.exited;
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= stopContainer(running, driver, container);
    // It is awaited below, once the program has ended.
    stopping.catch(() => {});
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await running.exited;
  } finally {
    signal.removeEventListener("abort", stop);
    await stopping;
  }
}

async function stopContainer(running: Running, driver: Driver, container: ContainerProcess): Promise<void> {
  const hasEnded = async (waitMs: number): Promise<boolean> => {
    const timer = new AbortController();
    const ended = running.exited.then(() => true);
    const late = delay(waitMs, false, { signal: timer.signal }).catch(() => false);
    return await Promise.race([ended, late]).finally(() => timer.abort());
  };
  // Both runtimes hand the signals that they get to the container.
  running.kill("SIGTERM");
  if (!(await hasEnded(container.stopGraceMs ?? stopGraceMs))) {
    await driver.runtime.remove(container.id);
    if (!(await hasEnded(settleMs))) running.kill("SIGKILL");
    await running.exited;
  }
  await driver.runtime.remove(container.id);
}

/** Tells a failure of the runtime from a program that ended with the same status. */
function throwFailure(
  status: number,
  log: string,
  { driver, container }: { driver: Driver; container: ContainerProcess },
): void {
  const failure = status === 1 ? failureOf(log, { program: driver.program, container }) : undefined;
  if (failure !== undefined) throw failure;
}

function failureOf(
  log: string,
  made: {
    readonly program: RuntimeProgram;
    readonly container: { readonly id: string; readonly spec: Pick<RuntimeSpec, "process"> };
  },
): LighterError | undefined {
  const failure = readFailure(log);
  if (failure === undefined) return undefined;
  const command = made.container.spec.process.args[0] ?? "";
  const details = { command, runtime: made.program.name, words: failure.words };
  if (failure.kind === "other") return failed("run", made.container.id, failure.words);
  return new LighterError(failure.kind, `cannot run "${command}": ${failure.state}; ${failure.help}`, {
    details,
  });
}

/**
 * The relay makes the program its child, passes signals on, and ends when all of the output is delivered. The caller's own
 * descriptors stay out of the container, where they could be opened again.
 */
async function execProcess(driver: Driver, request: ExecProcess): Promise<number> {
  const { id, directory, stdio } = request;
  // Loading Node's random numbers would take longer than all that is done here.
  const name = join(directory, `exec-${process.pid}-${process.hrtime.bigint()}`);
  const [description, log, pidFile] = [`${name}.json`, `${name}.log`, `${name}.pid`];
  writeFileSync(description, JSON.stringify(request.process), { mode: 0o600 });
  try {
    const general = ["--root", driver.program.stateDirectory, "--log", log];
    const flags = ["--detach", "--pid-file", pidFile, "--process", description];
    const command = [driver.program.path, ...general, "exec", ...flags, id];
    const hasInput = stdio.kind === "inherit" && stdio.stdin !== "ignore";
    const [program = "", ...args] = relayed({ hasInput, owner: request.owner ?? 0, pidFile }, command);
    const running = driver.host.processes.spawn(program, args, {
      stdio: stdioOf(stdio),
      env: environment,
    });
    // Once more, should the grace period that the caller asked for be over before the runtime is loaded.
    hastenCgroupMove();
    deliver(running, stdio);
    const exit = await running.exited;
    if (exit.signal !== undefined)
      throw failed("exec in", id, `${driver.program.name} was killed by ${exit.signal}`);
    if (exit.status !== 0 && !existsSync(pidFile)) throw execFailure(log, { driver, request });
    return exit.status;
  } finally {
    for (const path of [description, log, pidFile]) removeFile(path);
  }
}

function execFailure(
  log: string,
  { driver, request }: { readonly driver: Driver; readonly request: ExecProcess },
): LighterError {
  const { id } = request;
  const failure = failureOf(log, { program: driver.program, container: { id, spec: request } });
  return failure ?? failed("exec in", id, `${driver.program.name} gave no reason`);
}

function failed(verb: string, id: string, words: string): LighterError {
  return new LighterError("RUNTIME_FAILED", `cannot ${verb} container "${id}": ${words}`, {
    details: { id, words },
  });
}

function cancelled(id: string): LighterError {
  return new LighterError("CANCELLED", `cannot finish container "${id}": cancelled`);
}
