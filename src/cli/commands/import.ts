import { createReadStream, openSync } from "node:fs";
import { errorMessage, LighterError, systemErrorCode } from "#base";
import { defineCommand, type Invocation } from "../command.ts";

const importFlags = {
  change: {
    kind: "list",
    short: "c",
    value: "INSTRUCTION",
    summary:
      "Say how the image runs, as a Dockerfile would: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR",
  },
  message: { kind: "string", short: "m", value: "TEXT", summary: "What the history says of it" },
  platform: { kind: "string", value: "OS/ARCH", summary: "What it runs on (default: this machine's)" },
} as const;

export const importCommand = defineCommand({
  name: "import",
  summary: "Make an image of an archive of a root filesystem",
  usage: "[OPTIONS] FILE|URL|- [NAME[:TAG]]",
  flags: importFlags,
  arity: { min: 1, max: 2 },
  argument: "file",
  examples: [
    {
      command: "lighter export web | lighter import -c 'CMD [\"/app\"]' - web:flat",
      explains: "Make one layer of what a container holds",
    },
  ],
  run: importArchive,
});

export const imageImport = defineCommand({ ...importCommand, name: "image import" });

async function importArchive(invocation: Invocation<typeof importFlags>): Promise<number> {
  const { flags, args, io, signal, openEngine } = invocation;
  const [from = "", name] = args;
  const archive = openArchive(from, io);
  await using engine = await openEngine();
  const image = await engine.images.import(archive, {
    from: from === "-" ? "" : from,
    created: new Date(io.now()).toISOString(),
    changes: flags.change,
    signal,
    ...(name !== undefined && { name }),
    ...(flags.message !== undefined && { message: flags.message }),
    ...(flags.platform !== undefined && { platform: flags.platform }),
  });
  await io.stdout.write(`${image.id}\n`);
  return 0;
}

/** Its bytes; an address stays one. */
function openArchive(from: string, io: Invocation["io"]): AsyncIterable<Uint8Array> | string {
  if (from === "-") return io.stdin as AsyncIterable<Uint8Array>;
  if (/^https?:\/\//.test(from)) return from;
  try {
    return createReadStream(from, { fd: openSync(from, "r") });
  } catch (error) {
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot import "${from}": ${systemErrorCode(error) === "ENOENT" ? "no such file" : errorMessage(error)}`,
      { cause: error },
    );
  }
}
