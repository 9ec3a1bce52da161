import type { ContainerRecord, ExecRequest, LogEntry, LogOptions } from "#container";
import type { EventOptions, StoreEvent } from "#events";
import type { EngineContainers } from "./containers.ts";

/**
 * A container that was started and is left to itself. Disposing ends it and removes it, with the volumes that were made for
 * it alone.
 */
export class RunningContainer implements AsyncDisposable {
  readonly id: string;
  readonly name: string;
  readonly #containers: EngineContainers;
  readonly #events: (options?: EventOptions) => AsyncGenerator<StoreEvent>;

  constructor(
    engine: {
      readonly containers: EngineContainers;
      readonly events: (options?: EventOptions) => AsyncGenerator<StoreEvent>;
    },
    { id, name }: Pick<ContainerRecord, "id" | "name">,
  ) {
    this.#containers = engine.containers;
    this.#events = (options) => engine.events(options);
    this.id = id;
    this.name = name;
  }

  /** What is known of it now. @throws CONTAINER_NOT_FOUND */
  async inspect(): Promise<ContainerRecord> {
    return await this.#containers.get(this.id);
  }

  /** Waits for its end. @returns the status of its program */
  async wait(): Promise<number> {
    return await this.#containers.wait(this.id);
  }

  /** What it printed; with `follow` until it ends. */
  logs(options?: LogOptions): AsyncGenerator<LogEntry> {
    return this.#containers.logs(this.id, options);
  }

  /** What happens to it, from `since` or from now on. */
  async *events(options?: EventOptions): AsyncGenerator<StoreEvent> {
    for await (const event of this.#events(options)) if (event.id === this.id) yield event;
  }

  /** Runs one more program in it. @returns its status */
  async exec(request: ExecRequest): Promise<number> {
    return await this.#containers.exec(this.id, request);
  }

  /** Asks it to end, and kills it after the time. */
  async stop(options?: { readonly timeoutSeconds?: number; readonly signal?: string }): Promise<void> {
    await this.#containers.stop(this.id, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { isLighterError } = await import("#base");
    try {
      await this.#containers.remove(this.id, { force: true, volumes: true });
    } catch (error) {
      // With `remove` it goes by itself.
      if (!isLighterError(error, "CONTAINER_NOT_FOUND")) throw error;
    }
  }
}
