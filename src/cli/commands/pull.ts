import { defineCommand, type Invocation } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";
import { familiarName } from "../image-words.ts";
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
  const { flags, args, signal, openEngine } = invocation;
  const [name = ""] = args;
  await using engine = await openEngine();
  if (!flags["all-tags"]) return await pullOne(engine, name, invocation);
  const { bareRepository } = await import("../image-words.ts");
  const repository = bareRepository(name);
  for (const tag of await engine.images.tags(repository, { signal }))
    await pullOne(engine, `${repository}:${tag}`, invocation);
  return 0;
}

async function pullOne(
  engine: CliEngine,
  wanted: string,
  { flags, io, signal }: Invocation<typeof pullFlags>,
): Promise<number> {
  const { platform } = flags;
  const pulled = await (async () => {
    using display = openTransferDisplay(io, flags);
    return await engine.images.pull(wanted, {
      allPlatforms: flags["all-platforms"],
      onProgress: display.onProgress,
      signal,
      ...(platform !== undefined && { platform }),
    });
  })();
  const name = familiarName(pulled.name);
  const status = pulled.isUnchanged ? "Image is up to date" : "Downloaded newer image";
  if (!flags.quiet) await io.stdout.write(`Digest: ${pulled.digest}\nStatus: ${status} for ${name}\n`);
  await io.stdout.write(`${pulled.name}\n`);
  return 0;
}
