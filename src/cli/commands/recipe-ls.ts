import { defineCommand, type Invocation } from "../command.ts";
import { formatFlag, jsonLines, parseListFormat } from "../list-format.ts";
import { formatTable } from "../table.ts";

const flags = { ...formatFlag } as const;

export const recipeLs = defineCommand({
  name: "recipe ls",
  summary: "List the built-in recipes",
  usage: "[OPTIONS]",
  flags,
  arity: { min: 0, max: 0 },
  examples: [{ command: "lighter recipe ls", explains: "Show which images lighter assembles by itself" }],
  run: listRecipes,
});

/** One line for each image name and release; its tags beside it. */
async function listRecipes({ flags: given, io, openEngine }: Invocation<typeof flags>): Promise<number> {
  const format = parseListFormat(given.format);
  await using engine = await openEngine({ keepsNothing: true });
  const rows = new Map<string, { image: string; suite: string; summary: string; tags: string[] }>();
  for (const { definition, suite } of await engine.recipes.list()) {
    const image = definition.repository.replace(/^library\//, "");
    const row = rows.get(`${image} ${suite}`) ?? {
      image,
      suite,
      summary: definition.summary ?? "",
      tags: [],
    };
    const standsIn = (definition.standsIn ?? []).flatMap(({ tags }) => tags.map((tag) => `(${tag})`));
    row.tags.push(...definition.tags, ...(definition.suiteTags?.tags ?? []), ...standsIn);
    rows.set(`${image} ${suite}`, row);
  }
  const all = [...rows.values()];
  await io.stdout.write(
    format === "json"
      ? jsonLines(all)
      : formatTable(
          ["IMAGE", "SUITE", "TAGS", "FOR"],
          all.map(({ image, suite, tags, summary }) => [image, suite, tags.join(", "), summary]),
        ),
  );
  return 0;
}
