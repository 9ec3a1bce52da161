import type { Containers, Volume } from "#container";
import type { EventLog } from "#events";

/** The volumes of a store: directories that outlive containers. */
export class EngineVolumes {
  readonly #open: () => Promise<Containers>;
  readonly #events: EventLog;

  constructor(open: () => Promise<Containers>, events: EventLog) {
    this.#open = open;
    this.#events = events;
  }

  /** The volume of that name, made when there is none; without a name a new one. @throws CONTAINER_INVALID */
  async create(
    name?: string,
    given?: Partial<Pick<Volume, "labels" | "options" | "isAnonymous">>,
  ): Promise<Volume> {
    return (await this.#open()).volumes.create(name, given);
  }

  async list(): Promise<readonly Volume[]> {
    return (await this.#open()).volumes.list();
  }

  /** @throws VOLUME_NOT_FOUND */
  async get(name: string): Promise<Volume> {
    return (await this.#open()).volumes.get(name);
  }

  /** Bytes of its files. @throws VOLUME_NOT_FOUND */
  async size(name: string): Promise<number> {
    return (await this.#open()).volumeBytes(name);
  }

  /** Removes one and its data. @throws VOLUME_NOT_FOUND, VOLUME_IN_USE */
  async remove(name: string): Promise<void> {
    (await this.#open()).volumes.remove(name);
  }

  /** Removes those that no container has: those without a name, with `all` every one. */
  async prune(
    options: { readonly all?: boolean; readonly accepts?: (volume: Volume) => boolean } = {},
  ): Promise<readonly Volume[]> {
    const removed = (await this.#open()).volumes.prune(options);
    this.#events.append({ type: "volume", action: "prune", id: "", attributes: {} });
    return removed;
  }
}
