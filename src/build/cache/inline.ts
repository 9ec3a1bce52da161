import type { Plan, VertexId } from "#plan";
import type { LayerMaking, PlatformImage } from "../export/platform-image.ts";
import type { KnownVertex } from "../solve/solver.ts";
import { type CacheDocument, inlineField } from "./artifact.ts";
import { portableResults } from "./portable-records.ts";

/** The records of an image's own steps, for its config: they need no layers but the image's. */
export async function inlineCache(
  plan: Plan,
  options: { readonly known: ReadonlyMap<VertexId, KnownVertex>; readonly making: LayerMaking },
): Promise<(image: PlatformImage) => Readonly<Record<string, unknown>>> {
  const { document } = await portableResults({ ...options, plans: [plan], mode: "min" });
  return (image) => ({ [inlineField]: inlineDocument(document, image) });
}

/** Positions become those of the image; a record whose layers the image does not have, as after --squash, stays out. */
function inlineDocument({ epochSeconds, diffIds, records }: CacheDocument, image: PlatformImage): unknown {
  const places = new Map(image.layers.map(({ diffId }, place) => [diffId, place]));
  const placeOf = (at: number): number => {
    const diffId = diffIds[at];
    return diffId === undefined ? -1 : (places.get(diffId) ?? -1);
  };
  const own = records.map((record) => ({ ...record, layers: record.layers.map(placeOf) }));
  return { epochSeconds, records: own.filter(({ layers }) => !layers.includes(-1)) };
}
