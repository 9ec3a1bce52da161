import type { PackageChange, RecipeLock } from "#distroless";
import { defineCommand, type Invocation } from "../command.ts";
import { formatFlag, jsonLines, parseListFormat } from "../list-format.ts";
import { lockPathOf } from "../recipe-words.ts";
import { formatTable } from "../table.ts";
import { usageError } from "../usage-error.ts";

const flags = {
  ...formatFlag,
  lock: {
    kind: "string",
    value: "FILE",
    summary: "The lock to compare (default for NAME.yaml: NAME.lock.json)",
  },
  platform: { kind: "string", value: "OS/ARCH", summary: "Platform (default: the lock's)" },
} as const;

export const recipeDiff = defineCommand({
  name: "recipe diff",
  summary: "Compare a lock with what the archive has now, or two recipes with each other",
  usage: "[OPTIONS] NAME|FILE [NAME|FILE]",
  flags,
  arity: { min: 1, max: 2 },
  argument: "file",
  examples: [
    { command: "lighter recipe diff ./api.yaml", explains: "Show which packages a new lock would change" },
    {
      command: "lighter recipe diff distroless/base distroless/cc",
      explains: "Show what the second has and the first has not",
    },
  ],
  run: async (invocation) => (await report(invocation, () => true)).status,
});

export const recipeOutdated = defineCommand({
  name: "recipe outdated",
  summary: "List packages of a lock for which Debian has a newer version",
  usage: "[OPTIONS] NAME|FILE",
  flags,
  arity: { min: 1, max: 1 },
  argument: "file",
  examples: [
    {
      command: "lighter recipe outdated ./api.yaml",
      explains:
        "Show what Debian has mended since the lock was written; the status is 1 when there is something",
    },
  ],
  run: async (invocation) => (await report(invocation, ({ kind }) => kind === "newer")).status,
});

/** Like diff(1), the status is 1 when something differs. */
async function report(
  invocation: Invocation<typeof flags>,
  isShown: (change: PackageChange) => boolean,
): Promise<{ readonly status: number }> {
  const { flags: given, io } = invocation;
  const format = parseListFormat(given.format);
  const changes = (await findChanges(invocation)).filter(isShown);
  const cell = (version: string | undefined) => version ?? "-";
  if (format === "json") await io.stdout.write(jsonLines(changes));
  else if (changes.length > 0)
    await io.stdout.write(
      formatTable(
        ["PACKAGE", "BEFORE", "AFTER", "CHANGE"],
        changes.map(({ name, before, after, kind }) => [name, cell(before), cell(after), kind]),
      ),
    );
  return { status: changes.length > 0 ? 1 : 0 };
}

async function findChanges({
  flags: given,
  args,
  signal,
  openEngine,
}: Invocation<typeof flags>): Promise<readonly PackageChange[]> {
  const [first = "", second] = args;
  await using engine = await openEngine();
  const now = async (name: string, platform: string | undefined): Promise<RecipeLock> =>
    await engine.recipes.lock(name, { signal, ...(platform !== undefined && { platform }) });
  if (second !== undefined) {
    const [before, after] = [await now(first, given.platform), await now(second, given.platform)];
    return await engine.recipes.compare(before, after);
  }
  const path = given.lock ?? lockPathOf(first);
  if (path === undefined)
    throw usageError(recipeOutdated, "say which lock a built-in recipe is compared with, with --lock");
  const lock = await engine.recipes.readLock(path, { mustExist: true });
  if (lock === undefined) return [];
  const after = await now(first, given.platform ?? `linux/${lock.architecture}`);
  return await engine.recipes.compare(lock, after);
}
