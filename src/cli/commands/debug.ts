import { isLighterError, LighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";
import { withImage } from "../with-image.ts";

const debugFlags = {
  command: { kind: "string", short: "c", value: "COMMAND", summary: "Run this instead of a shell" },
  image: { kind: "string", value: "IMAGE", summary: "The same as --tools" },
  shell: { kind: "string", value: "PROGRAM", summary: "Which shell (default sh)" },
  tools: {
    kind: "string",
    value: "recipe:NAME|FILE|IMAGE",
    summary: "What brings the tools: a recipe, or an image (default debian)",
  },
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
      command: "lighter debug --tools recipe:debian:bookworm web",
      explains: "See the processes and ports of a running container; its files are at /proc/1/root",
    },
    {
      command: "lighter debug --tools busybox calculator",
      explains: "Look at the files of an image, at /target; nothing of it is changed",
    },
  ],
  async run(invocation) {
    const { args, flags, openEngine } = invocation;
    await using engine = await openEngine();
    const [target = ""] = args;
    const running = await findRunning(engine, target);
    const tools = await toolsOf(engine, flags.tools ?? flags.image ?? "debian");
    const asked = { ...invocation, tools };
    return running === undefined
      ? await debugFiles(engine, asked, target)
      : await debugProcesses(engine, asked, running);
  },
});

type Asked = Pick<Invocation<typeof debugFlags>, "flags" | "io" | "signal" | "onSignals"> & {
  readonly tools: string;
};

/** A recipe is assembled, which takes no time when its image is there. @throws RECIPE_NOT_FOUND */
async function toolsOf(engine: CliEngine, text: string): Promise<string> {
  const recipe = /^recipe:(.+)$/.exec(text)?.[1];
  if (recipe === undefined) return text;
  return (await engine.recipes.build(recipe)).id;
}

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
  return await runTools(engine, asked, {
    pid: place,
    ipc: place,
    network: place,
    capAdd: ["SYS_PTRACE"],
  });
}

/** The files of what does not run: those of a container with its changes, or of an image. */
async function debugFiles(engine: CliEngine, asked: Asked, target: string): Promise<number> {
  return await engine.containers.withFiles(target, (path) =>
    runTools(engine, asked, {
      network: "none",
      mounts: [`type=bind,source=${path},target=/target,readonly`],
      workdir: "/target",
    }),
  );
}

/** The image of the tools is brought when it is missing, as for run. */
async function runTools(
  engine: CliEngine,
  asked: Asked,
  options: Omit<Parameters<CliEngine["run"]>[0], "image">,
): Promise<number> {
  const request = { ...shell(asked), ...options };
  return await withImage({ ...asked, engine, flags: { pull: undefined, quiet: false } }, asked.tools, () =>
    engine.run(request),
  );
}

function shell({ flags, io, signal, onSignals, tools }: Asked) {
  const isTerminal = io.stdin.isTTY === true;
  if (flags.command === undefined && !isTerminal)
    throw new LighterError(
      "USAGE",
      "cannot open a shell: the standard input is not a terminal; use -c COMMAND",
    );
  const program = flags.shell ?? "sh";
  return {
    image: tools,
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
