import { closeSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import type { Running, SpawnOptions } from "./host.ts";
import { declareChannelCalls, openQuickChannel } from "./quick-channel.ts";
import type { Sys } from "./sys.ts";
import { systemError } from "./system-error.ts";

const SPAWN = { SETSIGDEF: 0x04, SETSIGMASK: 0x08, SETSID: 0x80 } as const;
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0x80001;
const F = { GETFL: 3, SETFL: 4, DUPFD_CLOEXEC: 1030 } as const;
const O_RDWR = 2;
const O_NONBLOCK = 0x800;
const WNOHANG = 1;
const standardStreams = 3;
const longestTimerMs = 2 ** 31 - 1;
// More than any C library's posix_spawnattr_t and posix_spawn_file_actions_t.
const structBytes = 512;
const signalSetBytes = 128;
const signals = 64;

/** Starts a program; undefined when that is left to Node. */
export type QuickSpawn = (
  path: string,
  args: readonly string[],
  options: SpawnOptions,
) => Running | undefined;

/**
 * Starts programs by posix_spawn(3). Node's own way takes 5 ms more: it loads its sockets and streams, and forks, which copies
 * the tables of this process' memory. For programs with an environment
 * of their own whose first three streams are no pipes, on the main thread (others hear no
 * SIGCHLD) and with a C library that has all it takes (glibc 2.29, musl).
 */
export function createQuickSpawn(open: () => Sys): QuickSpawn {
  let platform: Platform | undefined;
  return (path, args, options) => {
    const isPiped = options.stdio.slice(0, standardStreams).includes("pipe");
    const { env } = options;
    if (isPiped || env === undefined) return undefined;
    // Node tells of a zero byte, at which C would cut a text.
    if ([...args, ...Object.values(env)].some((text) => text.includes("\0"))) return undefined;
    platform ??= openPlatform(open());
    if (!platform.isAble) return undefined;
    const { reap } = platform;
    // Before the program can end.
    if (children.size === 0) process.on("SIGCHLD", reap);
    try {
      return running(platform.calls, start(platform, [path, ...args], { ...options, env }));
    } finally {
      if (children.size === 0) process.off("SIGCHLD", reap);
    }
  };
}

/** What runs, whichever host started it, and who wants its status. */
const children = new Map<number, (status: number) => void>();

interface Platform {
  readonly native: Sys["native"];
  readonly calls: Calls;
  readonly isAble: boolean;
  readonly reap: () => void;
}

function openPlatform(sys: Sys): Platform {
  const calls = declare(sys);
  const isMainThread = readlinkSync("/proc/thread-self") === `${process.pid}/task/${process.pid}`;
  const reap = (): void => {
    const status = Buffer.alloc(4);
    for (const [pid, tell] of children) {
      if (calls.waitpid(pid, status, WNOHANG) !== pid) continue;
      children.delete(pid);
      tell(status.readInt32LE(0));
    }
    if (children.size === 0) process.off("SIGCHLD", reap);
  };
  return { native: sys.native, calls, isAble: isMainThread && hasAll(calls), reap };
}

type Calls = ReturnType<typeof declare>;
type Channels = ReadonlyMap<number, number>;

function declare(sys: Sys) {
  const actions = (name: string, more: string) =>
    sys.declare(`int posix_spawn_file_actions_${name}(void *actions${more})`);
  const attributes = (name: string, more: string) =>
    sys.declare(`int posix_spawnattr_${name}(void *attributes${more})`);
  return {
    spawn: sys.declare(
      "int posix_spawn(void *pid, const char *path, void *actions, void *attributes, void *args, void *env)",
    ),
    initActions: actions("init", ""),
    destroyActions: actions("destroy", ""),
    addOpen: actions("addopen", ", int fd, const char *path, int flags, uint mode"),
    addDup: actions("adddup2", ", int from, int to"),
    addDirectory: actions("addchdir_np", ", const char *path"),
    initAttributes: attributes("init", ""),
    setFlags: attributes("setflags", ", short flags"),
    setDefaultSignals: attributes("setsigdefault", ", void *set"),
    socketPair: sys.declare("int socketpair(int domain, int type, int protocol, void *fds)"),
    ...declareChannelCalls(sys),
    waitpid: sys.declare("int waitpid(int pid, void *status, int options)"),
  };
}

/** A C library without the one has a dup2 that leaves a descriptor closed which is to stay where it is. */
function hasAll(calls: Calls): boolean {
  const actions = Buffer.alloc(structBytes);
  try {
    calls.initActions(actions);
    calls.addDirectory(actions, "/");
    calls.destroyActions(actions);
    return true;
  } catch {
    return false;
  }
}

interface Started {
  readonly pid: number;
  readonly channels: Channels;
}

function start(
  { native, calls }: Platform,
  command: readonly [path: string, ...args: string[]],
  options: SpawnOptions & Required<Pick<SpawnOptions, "env">>,
): Started {
  const actions = Buffer.alloc(structBytes);
  calls.initActions(actions);
  const theirs: number[] = [];
  const channels = new Map<number, number>();
  try {
    if (options.cwd !== undefined) calls.addDirectory(actions, options.cwd);
    for (const [at, stream] of options.stdio.entries()) {
      if (stream === "ignore") calls.addOpen(actions, at, "/dev/null", O_RDWR, 0);
      else calls.addDup(actions, sourceOf(calls, { at, stream, options, theirs, channels }), at);
    }
    const pid = Buffer.alloc(4);
    const env = Object.entries(options.env).map(([name, value]) => `${name}=${value}`);
    const [args, variables] = [stringArray(native, command), stringArray(native, env)];
    const result = calls.spawn(pid, command[0], actions, attributesOf(calls, options), args, variables);
    if (result !== 0) throw systemError(-result, { verb: "start", object: command[0] });
    return { pid: pid.readInt32LE(0), channels };
  } catch (error) {
    for (const fd of channels.values()) closeSync(fd);
    throw error;
  } finally {
    for (const fd of theirs) closeSync(fd);
    calls.destroyActions(actions);
  }
}

interface Place {
  readonly at: number;
  readonly stream: "inherit" | "pipe" | number;
  readonly options: SpawnOptions;
  readonly theirs: number[];
  readonly channels: Map<number, number>;
}

/** The descriptor that becomes number `at`: never one that another stream has replaced by then. */
function sourceOf(calls: Calls, { at, stream, options, theirs, channels }: Place): number {
  if (stream === "inherit") {
    // Node may have made it non-blocking, and programs do not expect that of their streams.
    const flags = calls.control(at, F.GETFL, 0);
    if (flags >= 0 && (flags & O_NONBLOCK) !== 0) calls.control(at, F.SETFL, flags & ~O_NONBLOCK);
    return at;
  }
  const source = stream === "pipe" ? socketPair(calls, { at, channels }) : stream;
  if (stream === "pipe") theirs.push(source);
  const count = options.stdio.length;
  if (source === at || source >= count) return source;
  const moved = calls.control(source, F.DUPFD_CLOEXEC, count);
  if (moved < 0) throw systemError(moved, { verb: "copy", object: `descriptor ${source}` });
  theirs.push(moved);
  return moved;
}

/** @returns the program's end */
function socketPair(
  calls: Calls,
  { at, channels }: { readonly at: number; readonly channels: Map<number, number> },
): number {
  const pair = Buffer.alloc(8);
  const result = calls.socketPair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair);
  if (result < 0) throw systemError(result, { verb: "open", object: "a pair of sockets" });
  channels.set(at, pair.readInt32LE(0));
  return pair.readInt32LE(4);
}

/** Node ignores SIGPIPE, which a program would inherit. */
function attributesOf(calls: Calls, { detached = false }: SpawnOptions): Buffer {
  const attributes = Buffer.alloc(structBytes);
  // Those of the C library, too: it would have the program ignore them.
  const allSignals = Buffer.alloc(signalSetBytes).fill(0xff, 0, signals / 8);
  calls.initAttributes(attributes);
  calls.setDefaultSignals(attributes, allSignals);
  calls.setFlags(attributes, SPAWN.SETSIGDEF | SPAWN.SETSIGMASK | (detached ? SPAWN.SETSID : 0));
  return attributes;
}

/** `char *[]` with its null, and behind it the texts. */
function stringArray(native: Sys["native"], strings: readonly string[]): Buffer {
  const texts = Buffer.from(strings.map((text) => `${text}\0`).join(""));
  const array = Buffer.concat([Buffer.alloc(8 * (strings.length + 1)), texts]);
  let place = native.address(array) + BigInt(array.length - texts.length);
  for (const [at, text] of strings.entries()) {
    array.writeBigUInt64LE(place, 8 * at);
    place += BigInt(Buffer.byteLength(text) + 1);
  }
  return array;
}

function running(calls: Calls, { pid, channels }: Started): Running {
  const opened = new Map([...channels].map(([at, fd]) => [at, openQuickChannel(calls, fd)]));
  // A handler of a signal does not keep the process running.
  const waiting = setInterval(() => {}, longestTimerMs);
  const exited = new Promise<number>((resolve) => children.set(pid, resolve)).then((status) => {
    clearInterval(waiting);
    return exitOf(status);
  });
  return {
    pid,
    stdin: undefined,
    stdout: undefined,
    stderr: undefined,
    channel: (at) => opened.get(at),
    unref: () => clearInterval(waiting),
    kill: (signal) => void (children.has(pid) && process.kill(pid, signal)),
    exited,
  };
}

function exitOf(status: number): Awaited<Running["exited"]> {
  const number = status & 0x7f;
  if (number === 0) return { status: (status >> 8) & 0xff };
  const [signal = "SIGKILL"] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
  return { status: 128, signal };
}
