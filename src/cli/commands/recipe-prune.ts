import { formatBytes, LighterError } from "#base";
import { parseSize } from "#dockerfile";
import { defineCommand } from "../command.ts";

export const recipePrune = defineCommand({
  name: "recipe prune",
  summary: "Remove Debian packages that are kept for later assemblies",
  usage: "[OPTIONS]",
  flags: {
    "keep-storage": {
      kind: "string",
      value: "SIZE",
      summary: "Keep those used last, up to this size (default: none)",
    },
  },
  arity: { min: 0, max: 0 },
  examples: [
    {
      command: "lighter recipe prune --keep-storage 1GB",
      explains: "Keep the packages used last; LIGHTER_PACKAGE_CACHE_LIMIT=1GB does so after each assembly",
    },
  ],
  async run({ flags, io, openEngine }) {
    const keep = flags["keep-storage"];
    const keepBytes = keep === undefined ? 0 : parseSize(keep);
    if (keepBytes === undefined)
      throw new LighterError("USAGE", `cannot keep "${keep}": want a size such as 512MB or 10GB`);
    await using engine = await openEngine();
    const { packages, sizeBytes } = await engine.recipes.pruneCache({ keepBytes });
    const left = await engine.recipes.cacheUsage();
    await io.stdout.write(
      `Removed ${packages} packages, ${formatBytes(sizeBytes)}; kept ${left.packages}, ${formatBytes(left.sizeBytes)}\n`,
    );
    return 0;
  },
});
