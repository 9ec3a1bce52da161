import { LighterError } from "#base";
import { type Digest, isDigest } from "#oci";

export const cacheArtifactType = "application/vnd.lighter.buildcache.v1";
export const cacheConfigType = "application/vnd.lighter.buildcache.config.v1+json";
/** The field of an image config that holds the records of an inline cache. */
export const inlineField = "dev.lighter.buildcache.v1";

/**
 * Results of steps, as they travel: an OCI artifact whose config this is and whose layers are the layers of the results;
 * or a field in the config of an image, whose own layers these are.
 */
export interface CacheDocument {
  /** The time that the layers carry for what builds wrote. */
  readonly epochSeconds: number;
  /** Digests of the uncompressed layers, in the order of the manifest's. */
  readonly diffIds: readonly Digest[];
  readonly records: readonly PortableRecord[];
}

/** What a step gave, without anything that belongs to one store. */
export interface PortableRecord {
  /** Cache keys that lead to it. */
  readonly keys: readonly string[];
  /** Identity of the result: part of the keys of the steps that use it. */
  readonly id: string;
  readonly name: string;
  /** Positions of its layers, lowest first; none: an empty tree. */
  readonly layers: readonly number[];
}

/** Checks the form of what came from elsewhere. @throws CACHE_INVALID */
export function parseCacheDocument(value: unknown): CacheDocument {
  if (!isObject(value)) throw invalid("it is no object");
  const { epochSeconds, diffIds, records } = value;
  if (typeof epochSeconds !== "number") throw invalid("it has no epochSeconds");
  if (!isArrayOf(diffIds, (id): id is Digest => typeof id === "string" && isDigest(id)))
    throw invalid("its diffIds are none");
  if (!isArrayOf(records, (record): record is PortableRecord => isPortable(record, diffIds.length)))
    throw invalid("its records are malformed");
  return { epochSeconds, diffIds, records };
}

function isPortable(value: unknown, layers: number): boolean {
  return (
    isObject(value) &&
    typeof value["id"] === "string" &&
    typeof value["name"] === "string" &&
    isArrayOf(value["keys"], (key): key is string => typeof key === "string" && /^[0-9a-f]{64}$/.test(key)) &&
    isArrayOf(
      value["layers"],
      (place): place is number => Number.isInteger(place) && Number(place) >= 0 && Number(place) < layers,
    )
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isArrayOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem);
}

export function invalid(state: string): LighterError {
  return new LighterError("CACHE_INVALID", `cannot use the build cache: ${state}`);
}
