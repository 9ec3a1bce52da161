import { LighterError } from "#base";
import { type Descriptor, normalizePlatform, type Platform } from "#oci";
import { defineCommand, type Invocation } from "../command.ts";
import { openTransferDisplay } from "../progress/transfer.ts";

const insecure = {
  insecure: "name insecure registries in LIGHTER_INSECURE_REGISTRIES; see docs/registries.md",
} as const;

export const manifestInspect = defineCommand({
  name: "manifest inspect",
  summary: "Print the manifest or index that a name leads to in its registry",
  usage: "NAME[:TAG|@DIGEST]",
  flags: {
    verbose: { kind: "boolean", short: "v", summary: "Print its descriptor as well" },
  },
  arity: { min: 1, max: 1 },
  refused: insecure,
  examples: [
    { command: "lighter manifest inspect debian:12", explains: "See which platforms an image exists for" },
  ],
  async run({ flags, args, io, signal, openEngine }) {
    await using engine = await openEngine();
    const [name = ""] = args;
    const { text, descriptor } = await engine.images.readManifest(name, { signal });
    const manifest: unknown = JSON.parse(text);
    const shown = flags.verbose ? { Ref: name, Descriptor: descriptor, Manifest: manifest } : manifest;
    await io.stdout.write(`${JSON.stringify(shown, undefined, 3)}\n`);
    return 0;
  },
});

export const manifestCreate = defineCommand({
  name: "manifest create",
  summary: "Make one name lead to several images, one for each platform",
  usage: "NAME[:TAG] IMAGE [IMAGE...]",
  flags: {
    amend: { kind: "boolean", short: "a", summary: "Add to the manifest list that the name leads to" },
  },
  arity: { min: 2, max: Number.POSITIVE_INFINITY },
  argument: "image",
  refused: insecure,
  examples: [
    {
      command: "lighter manifest create registry.example/app:1 app:1-amd64 app:1-arm64",
      explains: "Join two images; lighter manifest push sends them under the one name",
    },
  ],
  async run({ flags, args, io, signal, openEngine }) {
    await using engine = await openEngine();
    const [name = "", ...sources] = args;
    const known = engine.images.find(name);
    if (known?.index !== undefined && !flags.amend)
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot create manifest list "${name}": it exists already; use --amend to add to it, or lighter manifest rm`,
      );
    const amended = known === undefined || !flags.amend ? [] : [name];
    using display = openTransferDisplay(io, { quiet: false });
    const options = { onProgress: display.onProgress, signal };
    const image = await engine.images.createIndex(name, [...amended, ...sources], options);
    await io.stdout.write(`Created manifest list ${name}\n${(image.index ?? image.target).digest}\n`);
    return 0;
  },
});

export const manifestPush = defineCommand({
  name: "manifest push",
  summary: "Send an index and all its images to the registry that its name says",
  usage: "NAME[:TAG]",
  flags: {
    purge: { kind: "boolean", short: "p", summary: "Remove the name from the store when it is sent" },
  },
  arity: { min: 1, max: 1 },
  argument: "image",
  refused: insecure,
  examples: [
    { command: "lighter manifest push registry.example/app:1", explains: "Send what manifest create made" },
  ],
  async run({ flags, args, io, signal, openEngine }) {
    await using engine = await openEngine();
    const [name = ""] = args;
    using display = openTransferDisplay(io, { quiet: false });
    const { digest } = await engine.images.push(name, { onProgress: display.onProgress, signal });
    if (flags.purge) await engine.images.remove(name);
    await io.stdout.write(`${digest}\n`);
    return 0;
  },
});

const annotateFlags = {
  arch: { kind: "string", value: "ARCH", summary: "Architecture" },
  os: { kind: "string", value: "OS", summary: "Operating system" },
  "os-features": { kind: "list", value: "FEATURE", summary: "Feature of the operating system that it needs" },
  "os-version": { kind: "string", value: "VERSION", summary: "Version of the operating system" },
  variant: { kind: "string", value: "VARIANT", summary: "Variant of the architecture" },
} as const;

export const manifestAnnotate = defineCommand({
  name: "manifest annotate",
  summary: "Say which platform an image of a manifest list is for",
  usage: "[OPTIONS] LIST IMAGE|DIGEST",
  flags: annotateFlags,
  arity: { min: 2, max: 2 },
  argument: "image",
  examples: [
    {
      command: "lighter manifest annotate --arch arm --variant v7 registry.example/app:1 app:1-arm",
      explains: "Correct what the image's own config says",
    },
  ],
  run: annotate,
});

async function annotate({ flags, args, io, openEngine }: Invocation<typeof annotateFlags>): Promise<number> {
  await using engine = await openEngine();
  const [list = "", member = ""] = args;
  // A row is of the form that is sent, whose layers are compressed: the image is the same, its manifest is not.
  const named = engine.images.find(member);
  const listed = engine.images.platforms(engine.images.get(list));
  const wanted = (named && listed.find(({ imageId }) => imageId === named.id)?.digest) ?? member;
  const image = engine.images.changeIndex(list, (rows) => {
    const row = rows.find(({ digest }) => digest === wanted);
    if (row === undefined) throw notListed(list, member, rows);
    return rows.map((each) =>
      each === row ? { ...row, platform: platformWith(row.platform, flags) } : each,
    );
  });
  await io.stdout.write(`${(image.index ?? image.target).digest}\n`);
  return 0;
}

function platformWith(
  known: Platform | undefined,
  flags: Invocation<typeof annotateFlags>["flags"],
): Platform {
  const features = flags["os-features"];
  return normalizePlatform({
    os: flags.os ?? known?.os ?? "linux",
    architecture: flags.arch ?? known?.architecture ?? "unknown",
    ...((flags.variant ?? known?.variant) && { variant: flags.variant ?? known?.variant }),
    ...(flags["os-version"] !== undefined && { "os.version": flags["os-version"] }),
    ...(features.length > 0 && { "os.features": features }),
  } as Platform);
}

function notListed(list: string, member: string, rows: readonly Descriptor[]): LighterError {
  return new LighterError(
    "ARGUMENT_INVALID",
    `cannot annotate "${member}": manifest list "${list}" has no such image; it has ${rows.map(({ digest }) => digest).join(", ")}`,
  );
}

export const manifestRm = defineCommand({
  name: "manifest rm",
  summary: "Forget manifest lists of the store",
  usage: "LIST [LIST...]",
  flags: {},
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "image",
  examples: [
    { command: "lighter manifest rm registry.example/app:1", explains: "Forget what manifest create made" },
  ],
  async run({ args, io, openEngine }) {
    await using engine = await openEngine();
    for (const name of args) {
      const image = engine.images.get(name);
      if (image.index === undefined)
        throw new LighterError(
          "ARGUMENT_INVALID",
          `cannot remove manifest list "${name}": it is one image; lighter rmi removes it`,
        );
      await engine.images.remove(name);
      await io.stdout.write(`${name}\n`);
    }
    return 0;
  },
});
