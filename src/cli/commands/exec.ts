import { isLighterError, LighterError } from "#base";
import { defineCommand } from "../command.ts";
import { givenEnv, readEnvFile } from "../env-flags.ts";

export const exec = defineCommand({
  name: "exec",
  summary: "Run one more program in a running container",
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  flags: {
    detach: { kind: "boolean", short: "d", summary: "Leave it running" },
    "detach-keys": {
      kind: "string",
      value: "KEYS",
      summary: "Keys that leave it running (default ctrl-p,ctrl-q)",
    },
    env: {
      kind: "list",
      short: "e",
      value: "NAME[=VALUE]",
      summary: "Set a variable; without a value it is passed on",
    },
    "env-file": { kind: "list", value: "FILE", summary: "Read variables from a file" },
    interactive: { kind: "boolean", short: "i", summary: "Keep the standard input open" },
    privileged: { kind: "boolean", summary: "Give it every capability" },
    tty: { kind: "boolean", short: "t", summary: "Give it a terminal" },
    user: { kind: "string", short: "u", value: "NAME|UID[:GROUP|GID]", summary: "User it runs as" },
    workdir: { kind: "string", short: "w", value: "DIRECTORY", summary: "Directory it starts in" },
  },
  arity: { min: 2, max: Number.POSITIVE_INFINITY },
  argument: "container",
  stopsAtArgument: true,
  examples: [
    { command: "lighter exec -it web sh", explains: "Look around in a running container" },
    {
      command: "lighter exec -u postgres db psql -c 'select 1'",
      explains: "Run one program as another user",
    },
  ],
  async run({ flags, args, io, openEngine }) {
    const [container = "", ...rest] = args;
    if (flags.tty && flags.interactive && !flags.detach && io.stdin.isTTY !== true)
      throw new LighterError(
        "NO_TERMINAL",
        "cannot give the program a terminal: the input device is not a TTY; leave -t out",
      );
    const env = [
      ...flags["env-file"].flatMap((path) => readEnvFile(path, io.env)),
      ...givenEnv(flags.env, io.env),
    ];
    await using engine = await openEngine();
    const status = engine.containers.exec(container, {
      args: rest,
      env,
      interactive: flags.interactive,
      tty: flags.tty,
      detach: flags.detach,
      privileged: flags.privileged,
      ...(flags["detach-keys"] !== undefined && { detachKeys: flags["detach-keys"] }),
      ...(flags.user !== undefined && { user: flags.user }),
      ...(flags.workdir && { workdir: flags.workdir }),
    });
    return await (flags.detach ? status.catch(failPlainly) : status);
  },
});

/** The statuses from 126 on tell of a program that somebody waits for: docker gives none of them to who does not. */
function failPlainly(error: unknown): never {
  if (!isLighterError(error) || error.code === "CANCELLED") throw error;
  throw new LighterError(error.code, error.message, {
    cause: error,
    details: { ...error.details, exit: 1 },
  });
}
