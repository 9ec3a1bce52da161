import { formatBytes } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import { familiarName } from "../image-words.ts";
import { openTransferDisplay } from "../progress/transfer.ts";
import { lockPathOf } from "../recipe-words.ts";

const flags = {
  lock: {
    kind: "string",
    value: "FILE",
    summary:
      "Take the packages that this file names (default for FILE.yaml: FILE.lock.json, when it is there)",
  },
  platform: { kind: "string", value: "OS/ARCH", summary: "Platform (default: this machine's)" },
  quiet: { kind: "boolean", short: "q", summary: "Show no progress; print the digest" },
  tag: {
    kind: "list",
    short: "t",
    value: "NAME:TAG",
    summary: "Name of the image (default: the recipe's own)",
  },
} as const;

export const recipeBuild = defineCommand({
  name: "recipe build",
  summary: "Assemble an image from Debian packages",
  usage: "[OPTIONS] NAME|FILE",
  flags,
  arity: { min: 1, max: 1 },
  argument: "file",
  examples: [
    { command: "lighter recipe build distroless/cc:nonroot", explains: "Assemble a built-in recipe" },
    {
      command: "lighter recipe build -t api:base ./api.yaml",
      explains: "Assemble a recipe of your own; FROM api:base finds it in the store",
    },
  ],
  run: buildRecipe,
});

async function buildRecipe({
  flags: given,
  args,
  io,
  signal,
  openEngine,
}: Invocation<typeof flags>): Promise<number> {
  const [name = ""] = args;
  const path = given.lock ?? lockPathOf(name);
  await using engine = await openEngine();
  const lock =
    path === undefined
      ? undefined
      : await engine.recipes.readLock(path, { mustExist: given.lock !== undefined });
  const image = await (async () => {
    using display = openTransferDisplay(io, given);
    const { platform } = given;
    return await engine.recipes.build(name, {
      tags: given.tag,
      signal,
      onProgress: display.onProgress,
      ...(platform !== undefined && { platform }),
      ...(lock !== undefined && { lock }),
    });
  })();
  if (given.quiet) await io.stdout.write(`${image.target.digest}\n`);
  else {
    const names = image.names.map((each) => familiarName(each)).join(", ");
    const from = lock === undefined ? "" : ` from lock ${path}`;
    await io.stdout.write(
      `Assembled ${names}${from}\nDigest: ${image.target.digest}\nSize: ${formatBytes(image.sizeBytes)}\n`,
    );
  }
  return 0;
}
