import { defineCommand } from "../command.ts";
import { openTransferDisplay } from "../progress/transfer.ts";

export const manifestInspect = defineCommand({
  name: "manifest inspect",
  summary: "Print the manifest or index that a name leads to in its registry",
  usage: "NAME[:TAG|@DIGEST]",
  flags: {},
  arity: { min: 1, max: 1 },
  notYet: ["insecure", "verbose", "-v"],
  examples: [
    { command: "lighter manifest inspect debian:12", explains: "See which platforms an image exists for" },
  ],
  async run({ args, io, signal, openEngine }) {
    await using engine = await openEngine();
    const { text } = await engine.images.readManifest(args[0] ?? "", { signal });
    await io.stdout.write(`${JSON.stringify(JSON.parse(text), undefined, 3)}\n`);
    return 0;
  },
});

export const manifestCreate = defineCommand({
  name: "manifest create",
  summary: "Make one name lead to several images, one for each platform",
  usage: "NAME[:TAG] IMAGE [IMAGE...]",
  flags: {},
  arity: { min: 2, max: Number.POSITIVE_INFINITY },
  argument: "image",
  notYet: ["amend", "-a", "insecure"],
  examples: [
    {
      command: "lighter manifest create registry.example/app:1 app:1-amd64 app:1-arm64",
      explains: "Join two images; lighter manifest push sends them under the one name",
    },
  ],
  async run({ args, io, signal, openEngine }) {
    await using engine = await openEngine();
    const [name = "", ...sources] = args;
    using display = openTransferDisplay(io, { quiet: false });
    const image = await engine.images.createIndex(name, sources, { onProgress: display.onProgress, signal });
    await io.stdout.write(`Created manifest list ${name}\n${(image.index ?? image.target).digest}\n`);
    return 0;
  },
});

export const manifestPush = defineCommand({
  name: "manifest push",
  summary: "Send an index and all its images to the registry that its name says",
  usage: "NAME[:TAG]",
  flags: {},
  arity: { min: 1, max: 1 },
  argument: "image",
  notYet: ["purge", "-p", "insecure"],
  examples: [
    { command: "lighter manifest push registry.example/app:1", explains: "Send what manifest create made" },
  ],
  async run({ args, io, signal, openEngine }) {
    await using engine = await openEngine();
    using display = openTransferDisplay(io, { quiet: false });
    const { digest } = await engine.images.push(args[0] ?? "", { onProgress: display.onProgress, signal });
    await io.stdout.write(`${digest}\n`);
    return 0;
  },
});
