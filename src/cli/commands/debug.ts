import { isLighterError, LighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";

const debugFlags = {
  command: { kind: "string", short: "c", value: "COMMAND", summary: "Run this instead of a shell" },
  image: { kind: "string", value: "IMAGE", summary: "Where the tools are (default debian)" },
  shell: { kind: "string", value: "PROGRAM", summary: "Which shell (default sh)" },
} as const;

/** The target as docker's users know it from `docker debug`. */
export const debug = defineCommand({
  name: "debug",
  summary: "Open a shell with tools beside a container or image that has none",
  usage: "[OPTIONS] CONTAINER|IMAGE",
  flags: debugFlags,
  arity: { min: 1, max: 1 },
  argument: "container",
  notYet: ["host", "privileged"],
  examples: [
    {
      command: "lighter debug --image debian:bookworm web",
      explains: "See the processes and ports of a running container; its files are at /proc/1/root",
    },
    {
      command: "lighter debug --image busybox calculator",
      explains: "Look at the files of an image, at /target; nothing of it is changed",
    },
  ],
  async run(invocation) {
    const { args, openEngine } = invocation;
    await using engine = await openEngine();
    const [target = ""] = args;
    const running = await findRunning(engine, target);
    return running === undefined
      ? await debugFiles(engine, invocation, target)
      : await debugProcesses(engine, invocation, running);
  },
});

type Asked = Pick<Invocation<typeof debugFlags>, "flags" | "io" | "signal" | "onSignals">;

async function findRunning(engine: CliEngine, target: string): Promise<string | undefined> {
  try {
    const { id, state } = await engine.containers.get(target);
    return state.pid === 0 ? undefined : id;
  } catch (error) {
    if (isLighterError(error, "CONTAINER_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** In the target's process, network and IPC namespaces, with the right to look into its processes. */
async function debugProcesses(engine: CliEngine, asked: Asked, id: string): Promise<number> {
  const place = `container:${id}`;
  return await engine.run({
    ...shell(asked),
    pid: place,
    ipc: place,
    network: place,
    capAdd: ["SYS_PTRACE"],
    hostname: `debug-${id.slice(0, 6)}`,
  });
}

/** The files of what does not run: those of a container with its changes, or of an image. */
async function debugFiles(engine: CliEngine, asked: Asked, target: string): Promise<number> {
  return await engine.containers.withFiles(target, (path) =>
    engine.run({
      ...shell(asked),
      network: "none",
      mounts: [`type=bind,source=${path},target=/target,readonly`],
      workdir: "/target",
    }),
  );
}

function shell({ flags, io, signal, onSignals }: Asked) {
  const isTerminal = io.stdin.isTTY === true;
  if (flags.command === undefined && !isTerminal)
    throw new LighterError(
      "USAGE",
      "cannot open a shell: the standard input is not a terminal; use -c COMMAND",
    );
  const program = flags.shell ?? "sh";
  return {
    image: flags.image ?? "debian",
    entrypoint: [program],
    ...(flags.command !== undefined && { args: ["-c", flags.command] }),
    remove: true,
    interactive: true,
    tty: isTerminal,
    stdio: "inherit",
    signal,
    onSignals,
  } as const;
}
