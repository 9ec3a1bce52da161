import { defineCommand, type Invocation } from "../command.ts";
import { lockPathOf } from "../recipe-words.ts";
import { usageError } from "../usage-error.ts";

const flags = {
  output: {
    kind: "string",
    short: "o",
    value: "FILE",
    summary: "Where the lock goes (default for NAME.yaml: NAME.lock.json)",
  },
  platform: { kind: "string", value: "OS/ARCH", summary: "Platform (default: this machine's)" },
} as const;

export const recipeLock = defineCommand({
  name: "recipe lock",
  summary: "Write down every package of a recipe with its version and digest",
  usage: "[OPTIONS] NAME|FILE",
  flags,
  arity: { min: 1, max: 1 },
  argument: "file",
  examples: [
    {
      command: "lighter recipe lock ./api.yaml",
      explains: "Write ./api.lock.json: from now on every machine assembles the same image, bit for bit",
    },
  ],
  run: lockRecipe,
});

/** An older package than the lock has is refused: a mirror must not be able to take a fix back. */
async function lockRecipe({
  flags: given,
  args,
  io,
  signal,
  openEngine,
}: Invocation<typeof flags>): Promise<number> {
  const [name = ""] = args;
  const path = given.output ?? lockPathOf(name);
  if (path === undefined)
    throw usageError(recipeLock, "say where the lock of a built-in recipe goes, with --output");
  await using engine = await openEngine();
  const { platform } = given;
  const lock = await engine.recipes.lock(name, { signal, ...(platform !== undefined && { platform }) });
  await engine.recipes.writeLock(path, lock);
  await io.stdout.write(`${path}: ${lock.packages.length} packages of Debian ${lock.release}\n`);
  return 0;
}
