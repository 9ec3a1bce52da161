import { posix, resolve } from "node:path";
import { LighterError } from "#base";
import type { SpecMount } from "#runtime";

/** A path of the host that the container sees. */
export interface VolumeBind {
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
  readonly propagation: string;
}

const propagations = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
/** Said for SELinux, volume drivers and macOS; they change nothing here. */
const ignored = new Set(["z", "Z", "nocopy", "cached", "delegated", "consistent"]);

/**
 * Reads docker's `-v source:destination[:options]`.
 * @throws CONTAINER_INVALID, also for named and anonymous volumes, which do not exist yet
 */
export function parseVolume(text: string): VolumeBind {
  const [source = "", destination, options = ""] = text.split(":");
  if (destination === undefined || text.split(":").length > 3 || source === "")
    throw invalid(text, "want /host/path:/container/path[:ro]; anonymous volumes are not supported yet");
  if (!posix.isAbsolute(source) && !source.startsWith("."))
    throw invalid(text, "named volumes are not supported yet; give an absolute path of the host");
  if (!posix.isAbsolute(destination) || posix.resolve(destination) === "/")
    throw invalid(text, "the path in the container must be absolute and not the root");
  const words = options.split(",").filter((word) => word !== "");
  const unknown = words.find(
    (word) => word !== "ro" && word !== "rw" && !propagations.has(word) && !ignored.has(word),
  );
  if (unknown !== undefined)
    throw invalid(text, `option "${unknown}" is unknown; use ro, rw or a propagation`);
  return {
    source: resolve(source),
    destination: posix.resolve(destination),
    readOnly: words.includes("ro"),
    propagation: words.find((word) => propagations.has(word)) ?? "rprivate",
  };
}

/** All volumes of a request. @throws CONTAINER_INVALID when two want one place */
export function parseVolumes(texts: readonly string[]): readonly VolumeBind[] {
  const binds = texts.map(parseVolume);
  const twice = binds.find(
    ({ destination }, at) => binds.findIndex((other) => other.destination === destination) !== at,
  );
  if (twice === undefined) return binds;
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot mount "${twice.destination}": two volumes want that place`,
  );
}

export function volumeMount({ source, destination, readOnly, propagation }: VolumeBind): SpecMount {
  return { destination, type: "bind", source, options: ["rbind", propagation, ...(readOnly ? ["ro"] : [])] };
}

function invalid(text: string, state: string): LighterError {
  return new LighterError("CONTAINER_INVALID", `cannot use volume "${text}": ${state}`, {
    details: { text },
  });
}
