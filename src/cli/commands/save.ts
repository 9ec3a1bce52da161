import { LighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import type { Output } from "../io.ts";
import { writeWhole } from "../write-whole.ts";

const saveFlags = {
  output: {
    kind: "string",
    short: "o",
    value: "FILE",
    summary: "Write to a file instead of the standard output",
  },
  format: {
    kind: "string",
    choices: ["docker", "oci"],
    summary: "Form of the archive: what docker load takes (default), or an OCI image layout",
  },
  platform: { kind: "string", value: "OS/ARCH", summary: "Save this platform's image alone, of several" },
} as const;

export const save = defineCommand({
  name: "save",
  summary: "Write images to an archive that docker, podman or skopeo read",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  flags: saveFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "image",
  examples: [
    { command: "lighter save -o calculator.tar calculator", explains: "Write an archive for docker load" },
    {
      command: "lighter save --format oci calculator | tar -x -C layout",
      explains: "Write an OCI image layout into the directory layout",
    },
  ],
  run: saveImages,
});

export const imageSave = defineCommand({ ...save, name: "image save" });

async function saveImages(invocation: Invocation<typeof saveFlags>): Promise<number> {
  const { flags, args, io, signal, openEngine } = invocation;
  if (flags.output === undefined && io.stdout.isTerminal)
    throw new LighterError(
      "ARGUMENT_INVALID",
      "cannot save to a terminal: the archive is binary; use -o FILE or redirect the output",
    );
  await using engine = await openEngine();
  const archive = engine.images.save(args, {
    format: flags.format === "oci" ? "oci" : "docker",
    ...(flags.platform !== undefined && { platform: flags.platform }),
  });
  if (flags.output === undefined) await writeAll(io.stdout, archive, signal);
  else await writeWhole(flags.output, archive, signal);
  return 0;
}

async function writeAll(
  output: Output,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of archive) {
    signal.throwIfAborted();
    await output.write(chunk);
  }
}
