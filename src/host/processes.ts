import type { ChildProcess } from "node:child_process";
import { accessSync, closeSync, constants, readdirSync, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import { LighterError, systemErrorCode } from "#base";
import type { Channel, Processes, Running, RunOptions, RunResult, SpawnOptions } from "./host.ts";
import { createQuickSpawn } from "./quick-spawn.ts";
import { streamChannel } from "./stream-channel.ts";
import { openSys, type Sys } from "./sys.ts";
import { fileError } from "./system-error.ts";

const SIGKILL = 9;
const ESRCH = -3;
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Programs found on `path` (a PATH value), then in the system's own directories. */
export function createProcesses(path: string | undefined, sys: () => Sys = openSys): Processes {
  const folders = [...new Set([...(path ?? "").split(delimiter), ...systemPath.split(":")])].filter(Boolean);
  const find = (program: string): string | undefined => findProgram(program, folders);
  const quickSpawn = createQuickSpawn(sys);
  const processes: Processes = {
    find,
    spawn(program, args, options) {
      const found = getProgram(program, find);
      return quickSpawn(found, args, options) ?? start(found, args, options);
    },
    run: (program, args, options = {}) => runToEnd(processes, [program, ...args], options),
    listWithArgument,
    killMeant: (pid, isMeant) => killMeant(sys(), pid, isMeant),
    signal,
  };
  return processes;
}

function findProgram(program: string, folders: readonly string[]): string | undefined {
  if (program.includes("/")) return isProgram(program) ? program : undefined;
  for (const folder of folders) {
    const path = join(folder, program);
    if (isProgram(path)) return path;
  }
  return undefined;
}

function isProgram(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function getProgram(program: string, find: Processes["find"]): string {
  const path = find(program);
  if (path !== undefined) return path;
  throw new LighterError("PROGRAM_MISSING", `cannot start "${program}": it is not on PATH; install it`, {
    details: { program },
  });
}

function start(path: string, args: readonly string[], options: SpawnOptions): Running {
  // Loaded here: most commands start no program.
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(path, args, {
    stdio: [...options.stdio],
    detached: options.detached ?? false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
  });
  const exited = ended(child, path);
  // The caller may look at it later; a failure must not become an unhandled rejection before.
  exited.catch(() => {});
  return {
    pid: child.pid ?? -1,
    stdin: child.stdin ?? undefined,
    stdout: child.stdout ?? undefined,
    stderr: child.stderr ?? undefined,
    // Node types the further ones as one-way streams; they are sockets.
    channel: (fd) => channelOf(child.stdio[fd] as Duplex | null | undefined),
    unref: () => child.unref(),
    kill: (signal) => void child.kill(signal),
    exited,
  };
}

function channelOf(stream: Duplex | null | undefined): Channel | undefined {
  return stream ? streamChannel(stream) : undefined;
}

function ended(child: ChildProcess, path: string): Running["exited"] {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(fileError(error, { verb: "start", object: path })));
    child.once("close", (status, signal) =>
      resolve(signal === null ? { status: status ?? -1 } : { status: status ?? 128, signal }),
    );
  });
}

/**
 * Runs a program in the group of this shell, and kills the group when descriptor 3 ends. A signal of the kernel at the death of a
 * parent (PR_SET_PDEATHSIG) would end the program alone, and not what it has started.
 */
const watched = `"$@" <&0 3<&- & program=$!
{ read -r _ <&3; kill -KILL 0; } & watcher=$!
wait $program; status=$?
kill $watcher
exit $status`;

async function runToEnd(
  processes: Processes,
  [program = "", ...args]: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  if (options.signal?.aborted) throw cancelled(program);
  const isWatched = options.endsWithParent === true;
  const [file, words] = isWatched
    ? ["sh", ["-c", watched, "sh", getProgram(program, processes.find), ...args]]
    : [program, args];
  const running = processes.spawn(file, words, {
    stdio: [
      options.input === undefined ? "ignore" : "pipe",
      "pipe",
      "pipe",
      ...(isWatched ? ["pipe" as const] : []),
    ],
    // A group of its own, so that what it started ends with it: git leaves its transports to others.
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const stop = (): void => void (running.pid > 0 && signal(-running.pid, "SIGKILL"));
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(stop, options.timeoutMs);
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    const [stdout, stderr, exit] = await Promise.all([
      collect(running.stdout),
      collect(running.stderr),
      running.exited,
      feed(running, options.input),
    ]);
    if (options.signal?.aborted) throw cancelled(program);
    return { ...exit, stdout, stderr };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", stop);
  }
}

async function feed(running: Running, input: RunOptions["input"]): Promise<void> {
  if (running.stdin === undefined) return;
  running.stdin.end(input);
  // A program may end without reading all of its input (EPIPE); its status tells what matters.
  await finished(running.stdin).catch(() => {});
}

async function collect(stream: NodeJS.ReadableStream | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function cancelled(program: string): LighterError {
  return new LighterError("CANCELLED", `cannot finish "${program}": cancelled`);
}

function listWithArgument(argument: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && argumentsOf(name).includes(argument))
    .map(Number);
}

function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(1);
  } catch {
    return []; // it ended while the list was read
  }
}

function killMeant(sys: Sys, pid: number, isMeant: () => boolean): void {
  const fd = sys.pidfdOpen(pid, 0);
  if (fd === ESRCH) return;
  try {
    if (!isMeant()) return;
    const result = fd < 0 ? -1 : sys.pidfdSendSignal(fd, SIGKILL, null, 0);
    if (result < 0 && result !== ESRCH) signal(pid, "SIGKILL");
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    throw fileError(error, { verb: `send ${name} to`, object: `process ${pid}` });
  }
}
