import { formatBytes } from "#base";
import type { Recipe } from "#distroless";
import { defineCommand, type Invocation } from "../command.ts";
import { formatFlag, jsonLines, parseListFormat } from "../list-format.ts";
import { formatTable } from "../table.ts";

const flags = {
  ...formatFlag,
  platform: { kind: "string", value: "OS/ARCH", summary: "Platform (default: this machine's)" },
} as const;

export const recipeShow = defineCommand({
  name: "recipe show",
  summary: "Show what a recipe is made of",
  usage: "[OPTIONS] NAME|FILE",
  flags,
  arity: { min: 1, max: 1 },
  argument: "file",
  examples: [
    {
      command: "lighter recipe show distroless/base:slim",
      explains: "Show its packages with versions and download sizes, and what is cut out",
    },
    { command: "lighter recipe show ./api.yaml", explains: "The same for a recipe of your own" },
  ],
  run: showRecipe,
});

async function showRecipe({
  flags: given,
  args,
  io,
  signal,
  openEngine,
}: Invocation<typeof flags>): Promise<number> {
  const format = parseListFormat(given.format);
  const { platform } = given;
  const options = { signal, ...(platform !== undefined && { platform }) };
  await using engine = await openEngine({ keepsNothing: true });
  const recipe = await engine.recipes.get(args[0] ?? "", options);
  const { packages, kit } = await engine.recipes.lock(args[0] ?? "", options);
  if (format === "json") {
    await io.stdout.write(jsonLines([withoutBytes({ ...recipe, packages, kit })]));
    return 0;
  }
  const table = formatTable(
    ["PACKAGE", "VERSION", "SIZE"],
    packages.map(({ name, version, sizeBytes }) => [name, version, formatBytes(sizeBytes)]),
  );
  await io.stdout.write(`${headOf(recipe)}\n${table}`);
  return 0;
}

function namesOf(file: { readonly name: string } | undefined): readonly string[] {
  return file === undefined ? [] : [file.name];
}

/** Files are told by name and digest. */
function withoutBytes(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, each: unknown) => (key === "bytes" ? undefined : each)));
}

function headOf({ name, description, platform, definition }: Recipe): string {
  const { summary, trim, user, workingDir, entrypoint, cmd, binaries, jlink, layers } = definition;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["Name", name],
    ["For", summary],
    ["Made", description],
    ["Platform", `${platform.os}/${platform.architecture}`],
    ["Without", trim?.join(", ")],
    ["Programs", binaries?.map((each) => each.name).join(", ")],
    [
      "Java",
      jlink === undefined ? undefined : [jlink.package, ...jlink.modules, ...namesOf(jlink.jar)].join(" "),
    ],
    ["Layers", layers === undefined ? undefined : String(layers.length + 1)],
    ["User", user],
    ["Directory", workingDir],
    ["Entrypoint", entrypoint?.join(" ")],
    ["Command", cmd?.join(" ")],
  ];
  return rows
    .flatMap(([title, value]) => (value === undefined ? [] : [`${`${title}:`.padEnd(12)}${value}\n`]))
    .join("");
}
