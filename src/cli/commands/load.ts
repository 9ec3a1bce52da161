import { createReadStream, openSync } from "node:fs";
import { errorMessage, LighterError, systemErrorCode } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import { familiarName } from "../image-words.ts";

const loadFlags = {
  input: { kind: "string", short: "i", value: "FILE", summary: "Read a file instead of the standard input" },
  platform: { kind: "string", value: "OS/ARCH", summary: "Take this platform's image alone, of several" },
  quiet: { kind: "boolean", short: "q", summary: "Show no progress: there is none" },
} as const;

export const load = defineCommand({
  name: "load",
  summary: "Read images from an archive that docker, podman or lighter saved",
  usage: "[OPTIONS]",
  flags: loadFlags,
  arity: { min: 0, max: 0 },
  argument: "file",
  examples: [
    { command: "lighter load -i calculator.tar", explains: "Take the images of an archive into the store" },
    { command: "docker save debian | lighter load", explains: "Take an image over from docker" },
  ],
  run: loadImages,
});

export const imageLoad = defineCommand({ ...load, name: "image load" });

async function loadImages({ flags, io, openEngine }: Invocation<typeof loadFlags>): Promise<number> {
  if (flags.input === undefined && io.stdin.isTTY === true)
    throw new LighterError(
      "ARGUMENT_INVALID",
      "cannot load from a terminal: an archive is binary; use -i FILE or redirect the input",
    );
  const archive = flags.input === undefined ? io.stdin : openArchive(flags.input);
  await using engine = await openEngine();
  const { platform } = flags;
  const loaded = await engine.images.load(
    archive as AsyncIterable<Uint8Array>,
    platform === undefined ? {} : { platform },
  );
  const lines = loaded.flatMap((image) =>
    image.names.length > 0
      ? image.names.map((name) => `Loaded image: ${familiarName(name)}\n`)
      : [`Loaded image ID: ${image.id}\n`],
  );
  await io.stdout.write(lines.join(""));
  return 0;
}

function openArchive(path: string): AsyncIterable<Uint8Array> {
  try {
    return createReadStream(path, { fd: openSync(path, "r"), highWaterMark: 1 << 20 });
  } catch (error) {
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot load "${path}": ${systemErrorCode(error) === "ENOENT" ? "no such file" : errorMessage(error)}`,
      { cause: error },
    );
  }
}
