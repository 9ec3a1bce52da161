import type { LayerForm } from "#image";
import { defineCommand, type Invocation } from "../command.ts";
import { openTransferDisplay } from "../progress/transfer.ts";

const pushFlags = {
  compression: {
    kind: "string",
    choices: ["gzip", "zstd", "uncompressed"],
    summary: "How layers built here go out (default gzip)",
  },
  "compression-level": {
    kind: "integer",
    value: "N",
    summary: "Level of compression: gzip 0 to 9, zstd 1 to 22",
  },
  platform: { kind: "string", value: "OS/ARCH", summary: "Push this platform's image alone, of several" },
  quiet: { kind: "boolean", short: "q", summary: "Show no progress; print the name" },
} as const;

export const push = defineCommand({
  name: "push",
  summary: "Send an image to a registry",
  usage: "[OPTIONS] NAME[:TAG]",
  flags: pushFlags,
  arity: { min: 1, max: 1 },
  argument: "image",
  notYet: ["all-tags", "-a", "disable-content-trust"],
  examples: [
    {
      command: "lighter push localhost:5000/calculator",
      explains: "Send an image to a registry on this machine",
    },
    {
      command: "lighter push --compression zstd registry.example/calculator:v1",
      explains: "Send smaller layers, for registries and engines that know zstd",
    },
  ],
  run: pushImage,
});

export const imagePush = defineCommand({ ...push, name: "image push" });

async function pushImage({
  flags,
  args,
  io,
  signal,
  openEngine,
}: Invocation<typeof pushFlags>): Promise<number> {
  await using engine = await openEngine();
  const { platform } = flags;
  const level = flags["compression-level"];
  const form: LayerForm = {
    compression: (flags.compression ?? "gzip") as LayerForm["compression"],
    ...(level !== undefined && { level }),
  };
  const pushed = await (async () => {
    using display = openTransferDisplay(io, flags);
    return await engine.images.push(args[0] ?? "", {
      form,
      onProgress: display.onProgress,
      signal,
      ...(platform !== undefined && { platform }),
    });
  })();
  if (flags.quiet) await io.stdout.write(`${pushed.name}\n`);
  else {
    const state = pushed.isUnchanged ? " (the registry had it already)" : "";
    await io.stdout.write(`${pushed.name}: digest: ${pushed.digest} size: ${pushed.sizeBytes}${state}\n`);
  }
  return 0;
}
