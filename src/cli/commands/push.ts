import { LighterError } from "#base";
import type { LayerForm } from "#image";
import { formatReference, parseReference } from "#oci";
import { defineCommand, type Invocation } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";
import { bareRepository, defaultTagLine, splitName } from "../image-words.ts";
import { openTransferDisplay } from "../progress/transfer.ts";

const pushFlags = {
  "all-tags": { kind: "boolean", short: "a", summary: "Send every name of the repository" },
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
  refused: { "disable-content-trust": "lighter has no content trust; pin a digest instead" },
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

async function pushImage(invocation: Invocation<typeof pushFlags>): Promise<number> {
  const { flags, args, io, openEngine } = invocation;
  const [name = ""] = args;
  const reference = parseReference(name);
  const { registry, repository: path } = reference;
  if (!flags.quiet) {
    if (!flags["all-tags"]) await io.stdout.write(defaultTagLine(name));
    await io.stdout.write(
      `The push refers to repository [${formatReference({ registry, repository: path })}]\n`,
    );
  }
  await using engine = await openEngine();
  if (!flags["all-tags"]) return await pushOne(engine, name, invocation);
  const repository = bareRepository(name);
  const names = engine.images
    .list()
    .flatMap((image) => image.names)
    .filter((each) => splitName(each).repository === repository && splitName(each).tag !== "<none>");
  if (names.length === 0)
    throw new LighterError(
      "IMAGE_NOT_FOUND",
      `cannot push "${repository}": no image of the store has a tag of this repository; see lighter images`,
    );
  for (const each of names.sort()) await pushOne(engine, each, invocation);
  return 0;
}

async function pushOne(
  engine: CliEngine,
  wanted: string,
  { flags, io, signal }: Invocation<typeof pushFlags>,
): Promise<number> {
  const { platform } = flags;
  const level = flags["compression-level"];
  const form: LayerForm = {
    compression: (flags.compression ?? "gzip") as LayerForm["compression"],
    ...(level !== undefined && { level }),
  };
  const pushed = await (async () => {
    using display = openTransferDisplay(io, flags);
    return await engine.images.push(wanted, {
      form,
      onProgress: display.onProgress,
      signal,
      ...(platform !== undefined && { platform }),
    });
  })();
  if (flags.quiet) await io.stdout.write(`${pushed.name}\n`);
  else {
    if (pushed.isUnchanged) await io.stderr.write("the registry had it already\n");
    const { tag } = splitName(pushed.name);
    await io.stdout.write(`${tag}: digest: ${pushed.digest} size: ${pushed.sizeBytes}\n`);
  }
  return 0;
}
