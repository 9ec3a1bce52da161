import { readSbom } from "#build";
import type { RecipeSource } from "#distroless";
import type { Host } from "#host";
import type { Image } from "#image";
import { formatCycloneDx, formatSpdx, type Sbom } from "#sbom";
import type { Store } from "./store.ts";

/** The two forms in which tools read a bill of materials. */
export type SbomFormat = "spdx" | "cyclonedx";

interface SbomParts {
  readonly store: Pick<Store, "images" | "snapshots">;
  readonly host: Pick<Host, "files">;
  readonly openRecipes: () => Promise<RecipeSource>;
  readonly tool: string;
}

/**
 * The bill of materials of an image, from the package databases in it. Packages that a recipe brought have the digest and the
 * address of their files too.
 */
export async function imageSbom(
  { store, host, openRecipes, tool }: SbomParts,
  image: Image,
  options: { readonly name: string; readonly format: SbomFormat },
): Promise<Readonly<Record<string, unknown>>> {
  const snapshot = await store.images.unpack(image);
  const layers = snapshot === undefined ? [] : store.snapshots.layers(snapshot);
  const found = readSbom(layers, {
    files: host.files,
    name: options.name,
    digest: image.target.digest,
    created: image.config.created ?? "1970-01-01T00:00:00Z",
    tool,
  });
  const sbom = image.origin?.kind === "recipe" ? enrich(found, await openRecipes()) : found;
  return options.format === "spdx" ? formatSpdx(sbom) : formatCycloneDx(sbom);
}

function enrich(sbom: Sbom, recipes: RecipeSource): Sbom {
  const packages = sbom.packages.map((item) => {
    const file = item.kind === "deb" ? recipes.findPackage(item) : undefined;
    return file === undefined ? item : { ...item, checksum: file.digest, downloadUrl: file.url };
  });
  return { ...sbom, packages };
}
