import { upstreamVersion } from "#debian";
import type { ImageConfig, ProcessConfig } from "#oci";
import type { LocatedPackage } from "./mirror/package-cache.ts";
import type { RecipeDefinition } from "./recipe-definition.ts";
import type { Recipe } from "./recipe-source.ts";

/** The config of an image that a recipe made. */
export function imageConfig(
  { definition, platform, description }: Recipe,
  packages: readonly LocatedPackage[],
  { epochSeconds, layers }: { readonly epochSeconds: number; readonly layers: number },
): ImageConfig {
  const created = new Date(epochSeconds * 1000).toISOString().replace(".000Z", "Z");
  return {
    ...platform,
    created,
    config: {
      ...startOf(definition, packages),
    },
    rootfs: { type: "layers", diff_ids: [] },
    history: Array.from({ length: layers }, (_, at) => ({
      created,
      created_by:
        layers === 1 ? `lighter: ${packages.length} packages` : `lighter: layer ${at + 1} of ${layers}`,
      comment: description,
    })),
  };
}

/** How containers of the image start. */
function startOf(definition: RecipeDefinition, packages: readonly LocatedPackage[]): ProcessConfig {
  const { user, workingDir, entrypoint, cmd, ports, stopSignal, trim, labels } = definition;
  const allLabels = { ...(trim !== undefined && { "dev.lighter.without": trim.join(" ") }), ...labels };
  return {
    ...(user !== undefined && { User: user }),
    ...(ports !== undefined && { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
    Env: definition.env.map((entry) => {
      const value = "value" in entry ? entry.value : installedVersion(packages, entry.versionOf);
      return `${entry.name}=${value}`;
    }),
    ...(entrypoint !== undefined && { Entrypoint: [...entrypoint] }),
    ...(cmd !== undefined && { Cmd: [...cmd] }),
    ...(workingDir !== undefined && { WorkingDir: workingDir }),
    ...(Object.keys(allLabels).length > 0 && { Labels: allLabels }),
    ...(stopSignal !== undefined && { StopSignal: stopSignal }),
  };
}

/** The upstream version of a package, or nothing when it is not there. */
export function installedVersion(packages: readonly LocatedPackage[], name: string): string {
  const found = packages.find(({ candidate }) => candidate.name === name);
  return found === undefined ? "" : upstreamVersion(found.candidate.version);
}
