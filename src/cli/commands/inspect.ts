import { isLighterError, LighterError } from "#base";
import type { ContainerRecord } from "#container";
import { defineCommand, type Invocation } from "../command.ts";
import type { CliEngine } from "../engine-port.ts";

const formatFlag = {
  format: {
    kind: "string",
    short: "f",
    value: "json|TEMPLATE",
    summary: "Print without line breaks, or by a Go template",
  },
} as const;

const sizeFlag = {
  size: {
    kind: "boolean",
    short: "s",
    summary: "Of containers, the bytes that they wrote, and with their images",
  },
} as const;

const inspectFlags = {
  ...formatFlag,
  ...sizeFlag,
  type: {
    kind: "string",
    value: "KIND",
    choices: ["container", "image", "network", "volume"],
    summary: "Look only among these",
  },
} as const;

export const inspect = defineCommand({
  name: "inspect",
  summary: "Show everything that is known of containers, images, networks or volumes, as JSON",
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  flags: inspectFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  examples: [
    {
      command: "lighter inspect calculator",
      explains: "Print the configuration, layers and origin of an image",
    },
    { command: "lighter inspect -f '{{.State.Pid}}' web", explains: "Print one fact of a container" },
  ],
  run: (invocation) => {
    const { type, size } = invocation.flags;
    const kinds = [containerFor(size), imageFor(undefined), network, volume];
    return inspectNames(invocation, type === undefined ? kinds : kinds.filter((kind) => kind.name === type));
  },
});

export const containerInspect = defineCommand({
  name: "container inspect",
  summary: "Show everything that is known of containers, as JSON",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: { ...formatFlag, ...sizeFlag },
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  examples: [
    {
      command: "lighter container inspect -f '{{json .NetworkSettings.Networks}}' web",
      explains: "Print where a container is on which network",
    },
  ],
  run: (invocation) => inspectNames(invocation, [containerFor(invocation.flags.size)]),
});

export const imageInspect = defineCommand({
  name: "image inspect",
  summary: "Show everything that is known of images, as JSON",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  flags: {
    ...formatFlag,
    platform: { kind: "string", value: "OS/ARCH", summary: "Of an image for several platforms, this one's" },
  },
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "image",
  examples: [
    {
      command: "lighter image inspect calculator",
      explains: "Print the configuration, layers and origin of an image",
    },
  ],
  run: (invocation) => inspectNames(invocation, [imageFor(invocation.flags.platform)]),
});

export const volumeInspect = defineCommand({
  name: "volume inspect",
  summary: "Show everything that is known of volumes, as JSON",
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  flags: formatFlag,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "volume",
  examples: [
    {
      command: "lighter volume inspect -f '{{.Mountpoint}}' data",
      explains: "Print where its files are on the host",
    },
  ],
  run: (invocation) => inspectNames(invocation, [volume]),
});

/** Something that has names, and how one is shown. */
interface Kind {
  readonly name: string;
  /** @throws LighterError when there is none */
  find(engine: CliEngine, text: string): Promise<unknown>;
}

function containerFor(isMeasured: boolean): Kind {
  return {
    name: "container",
    async find(engine, text) {
      const { inspectContainer } = await import("../inspect-container.ts");
      const record = await engine.containers.get(text);
      const object = inspectContainer(record, engine.root, await networkIdOf(engine, record));
      if (!isMeasured) return object;
      const { writtenBytes, totalBytes } = await engine.containers.size(record.id);
      return { ...object, SizeRw: writtenBytes, SizeRootFs: totalBytes };
    },
  };
}

/** Of the network that it was on last, where it has no place now; host and none never give one. */
async function networkIdOf(engine: CliEngine, { network, state }: ContainerRecord): Promise<string> {
  if (state.startedAt === undefined || network.name.startsWith("container:")) return "";
  try {
    return (await engine.networks.get(network.name)).id;
  } catch (error) {
    if (isLighterError(error, "NETWORK_NOT_FOUND")) return "";
    throw error;
  }
}

function imageFor(platform: string | undefined): Kind {
  return {
    name: "image",
    async find(engine, text) {
      const { inspectObject } = await import("../inspect-object.ts");
      return inspectObject(engine.images.get(text, platform === undefined ? {} : { platform }));
    },
  };
}

const network: Kind = {
  name: "network",
  async find(engine, text) {
    const { networkObject } = await import("../network-object.ts");
    const { sharersOf } = await import("../network-sharers.ts");
    const found = await engine.networks.get(text);
    return networkObject(found, await sharersOf(engine, found));
  },
};

const volume: Kind = {
  name: "volume",
  async find(engine, text) {
    const { volumeObject } = await import("../volume-object.ts");
    return volumeObject(await engine.volumes.get(text), engine.root);
  },
};

/** What a kind says when it has none of that name, or none could have it. */
const absences = new Set([
  "CONTAINER_NOT_FOUND",
  "IMAGE_NOT_FOUND",
  "REFERENCE_INVALID",
  "NETWORK_NOT_FOUND",
  "NETWORK_INVALID",
  "VOLUME_NOT_FOUND",
]);

async function inspectNames(
  {
    flags,
    args,
    io,
    openEngine,
  }: Pick<Invocation<typeof formatFlag>, "flags" | "args" | "io" | "openEngine">,
  among: readonly Kind[],
): Promise<number> {
  const { printObjects } = await import("../format/print-objects.ts");
  await using engine = await openEngine();
  const objects: unknown[] = [];
  let status = 0;
  for (const name of args) {
    try {
      objects.push(await findAmong(engine, name, among));
    } catch (error) {
      if (!isLighterError(error)) throw error;
      await io.stderr.write(`lighter: ${error.message}\n`);
      status = 1;
    }
  }
  await io.stdout.write(printObjects(objects, flags.format));
  return status;
}

async function findAmong(engine: CliEngine, name: string, among: readonly Kind[]): Promise<unknown> {
  for (const kind of among) {
    try {
      return await kind.find(engine, name);
    } catch (error) {
      if (!isLighterError(error) || !absences.has(error.code) || among.length === 1) throw error;
    }
  }
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot find "${name}": there is no container, image, network or volume of that name or ID`,
  );
}
