import { LighterError } from "#base";
import type { Parts } from "./parts.ts";
import type { Volume } from "./volume-store.ts";

/** The volumes of a store, and which containers have them. */
export interface Volumes {
  create(name?: string, given?: Partial<Pick<Volume, "labels" | "options" | "isAnonymous">>): Volume;
  /** By name. */
  list(): readonly Volume[];
  /** @throws VOLUME_NOT_FOUND */
  get(name: string): Volume;
  /** @throws VOLUME_NOT_FOUND, VOLUME_IN_USE */
  remove(name: string): void;
  prune(options: {
    readonly all?: boolean;
    readonly accepts?: (volume: Volume) => boolean;
  }): readonly Volume[];
}

export function openVolumes({ volumes, store }: Pick<Parts, "volumes" | "store">): Volumes {
  const users = (name: string): readonly string[] =>
    store
      .list()
      .filter(({ mounts }) => mounts.some((mount) => mount.type === "volume" && mount.name === name))
      .map((container) => container.name);
  return {
    create: (name, given) => volumes.ensure(name, given),
    list: () => volumes.list(),
    get: (name) => volumes.get(name),
    remove: (name) => {
      volumes.get(name);
      const [user] = users(name);
      if (user !== undefined)
        throw new LighterError(
          "VOLUME_IN_USE",
          `cannot remove volume "${name}": container "${user}" has it; remove the container first`,
          { details: { volume: name, container: user } },
        );
      volumes.remove(name);
    },
    prune: ({ all = false, accepts = () => true }) => {
      const unused = volumes
        .list()
        .filter((volume) => (all || volume.isAnonymous) && accepts(volume))
        .filter(({ name }) => users(name).length === 0);
      for (const { name } of unused) volumes.remove(name);
      return unused;
    },
  };
}
