import { formatReference, parseReference } from "#oci";
import { defineCommand, type Invocation } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";
import { platformOf } from "../env-flags.ts";
import { bareRepository, defaultTagLine, familiarName } from "../image-words.ts";
import { openTransferDisplay } from "../progress/transfer.ts";

const pullFlags = {
  "all-tags": { kind: "boolean", short: "a", summary: "Bring every tag of the repository" },
  "all-platforms": { kind: "boolean", summary: "Bring every platform's image, not only this machine's" },
  platform: { kind: "string", value: "OS/ARCH", summary: "Platform to bring (default: this machine's)" },
  quiet: { kind: "boolean", short: "q", summary: "Show no progress; print the name" },
} as const;

export const pull = defineCommand({
  name: "pull",
  summary: "Bring an image from a registry",
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  flags: pullFlags,
  arity: { min: 1, max: 1 },
  refused: { "disable-content-trust": "lighter has no content trust; pin a digest instead" },
  examples: [
    { command: "lighter pull debian:12", explains: "Bring Debian's image from docker.io" },
    {
      command: "lighter pull localhost:5000/calculator",
      explains: "Bring an image from a registry on this machine",
    },
  ],
  run: pullImage,
});

export const imagePull = defineCommand({ ...pull, name: "image pull" });

async function pullImage(invocation: Invocation<typeof pullFlags>): Promise<number> {
  const { flags, args, io, signal, openEngine } = invocation;
  const [name = ""] = args;
  const repository = flags["all-tags"] ? bareRepository(name) : name;
  if (!flags.quiet && !flags["all-tags"]) await io.stdout.write(defaultTagLine(name));
  await using engine = await openEngine();
  if (!flags["all-tags"]) {
    await io.stdout.write(`${await pullOne(engine, name, invocation)}\n`);
    return 0;
  }
  for (const tag of await engine.images.tags(repository, { signal }))
    await pullOne(engine, `${repository}:${tag}`, invocation);
  const { registry, repository: path } = parseReference(repository);
  await io.stdout.write(`${formatReference({ registry, repository: path })}\n`);
  return 0;
}

/** @returns the full name of what came */
async function pullOne(
  engine: CliEngine,
  wanted: string,
  { flags, io, signal }: Invocation<typeof pullFlags>,
): Promise<string> {
  const pulled = await (async () => {
    using display = openTransferDisplay(io, flags);
    return await engine.images.pull(wanted, {
      allPlatforms: flags["all-platforms"],
      onProgress: display.onProgress,
      signal,
      ...platformOf(flags.platform, flags["all-platforms"] ? {} : io.env),
    });
  })();
  const name = familiarName(pulled.name);
  const { repository, tag, digest } = parseReference(pulled.name);
  const status = pulled.isUnchanged ? "Image is up to date" : "Downloaded newer image";
  if (!flags.quiet)
    await io.stdout.write(
      `${digest ?? tag}: Pulling from ${repository}\nDigest: ${pulled.digest}\nStatus: ${status} for ${name}\n`,
    );
  return pulled.name;
}
