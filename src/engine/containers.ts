import type { ContainerRecord, Containers, LogEntry, LogOptions, Parting } from "#container";
import type { Image } from "#image";
import type { RunOptions } from "./options.ts";

interface ContainersParts {
  readonly open: () => Promise<Containers>;
  /** @throws IMAGE_NOT_FOUND */
  readonly findImage: (name: string) => Image;
  readonly sweep: () => Promise<void>;
}

type Same<Name extends keyof Containers> = Containers[Name];

/** The containers of a store, named as docker names them: by name, ID or a unique beginning of one. */
export class EngineContainers {
  readonly #parts: ContainersParts;

  constructor(parts: ContainersParts) {
    this.#parts = parts;
  }

  /** Runs a container in the foreground to its end. */
  async run(options: RunOptions): Promise<Parting> {
    return await this.#make(options, (containers, request) => containers.run(request));
  }

  /** Makes and starts a container; it needs this process no more. */
  async runDetached(options: RunOptions): Promise<ContainerRecord> {
    return await this.#make(options, (containers, request) => containers.runDetached(request));
  }

  /** Makes a container without starting it. */
  async create(options: RunOptions): Promise<ContainerRecord> {
    return await this.#make(options, (containers, request) => containers.create(request));
  }

  readonly start: Same<"start"> = async (text) => await (await this.#settled()).start(text);
  readonly startAttached: Same<"startAttached"> = async (text, streams) =>
    await (await this.#settled()).startAttached(text, streams);
  readonly attach: Same<"attach"> = async (text, streams) => await (await this.#open()).attach(text, streams);
  readonly restart: Same<"restart"> = async (text, options) =>
    await (await this.#settled()).restart(text, options);
  readonly kill: Same<"kill"> = async (text, signal) => await (await this.#open()).kill(text, signal);
  readonly wait: Same<"wait"> = async (text) => await (await this.#settled()).wait(text);
  readonly pause: Same<"pause"> = async (text) => await (await this.#settled()).pause(text);
  readonly unpause: Same<"unpause"> = async (text) => await (await this.#settled()).unpause(text);
  readonly exec: Same<"exec"> = async (text, request) => await (await this.#open()).exec(text, request);
  readonly rename: Same<"rename"> = async (text, name) => await (await this.#open()).rename(text, name);

  /** Ends a container; what it held is free when this resolves. */
  readonly stop: Same<"stop"> = async (text, options) => {
    const containers = await this.#settled();
    const record = await containers.stop(text, options);
    await containers.sweep();
    return record;
  };

  async *logs(text: string, options?: LogOptions): AsyncGenerator<LogEntry> {
    yield* (await this.#settled()).logs(text, options);
  }

  async list(): Promise<readonly ContainerRecord[]> {
    return (await this.#settled()).list();
  }

  /** @throws CONTAINER_NOT_FOUND */
  async get(text: string): Promise<ContainerRecord> {
    return (await this.#settled()).get(text);
  }

  readonly remove: Same<"remove"> = async (text, options) => await (await this.#open()).remove(text, options);

  /** Settles what containers left that ended without a client. */
  async sweep(): Promise<void> {
    await this.#parts.sweep();
  }

  async #make<T>(
    options: RunOptions,
    make: (containers: Containers, request: Parameters<Containers["run"]>[0]) => Promise<T>,
  ): Promise<T> {
    const containers = await this.#settled();
    const { image: imageName, ...rest } = options;
    return await make(containers, { ...rest, imageName, image: this.#parts.findImage(imageName) });
  }

  #open(): Promise<Containers> {
    return this.#parts.open();
  }

  async #settled(): Promise<Containers> {
    await this.#parts.sweep();
    return await this.#open();
  }
}
