import { isLighterError } from "#base";
import type {
  Change,
  CommitRequest,
  ContainerRecord,
  Containers,
  LogEntry,
  LogOptions,
  Parting,
  Usage,
} from "#container";
import type { EventLog } from "#events";
import type { Image } from "#image";
import { familiarReference, parseReference } from "#oci";
import { tellImage } from "./image-events.ts";
import type { RunOptions } from "./options.ts";

interface ContainersParts {
  readonly open: () => Promise<Containers>;
  /** @throws IMAGE_NOT_FOUND */
  readonly findImage: (name: string, platform?: string) => Image;
  readonly sweep: () => Promise<void>;
  readonly events: EventLog;
  /** Neighbours find a container by its new name at once. */
  readonly onRenamed: (id: string, name: string) => Promise<void>;
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
  readonly rename: Same<"rename"> = async (text, name) => {
    const containers = await this.#open();
    const { id } = containers.get(text);
    await containers.rename(id, name);
    await this.#parts.onRenamed(id, name);
  };

  readonly copy: Same<"copy"> = async (text, request) => await (await this.#settled()).copy(text, request);
  readonly copyIn: Same<"copyIn"> = async (text, request) =>
    await (await this.#settled()).copyIn(text, request);

  async *copyOut(...[text, request]: Parameters<Containers["copyOut"]>): AsyncGenerator<Buffer> {
    yield* (await this.#settled()).copyOut(text, request);
  }

  readonly export: Same<"export"> = async (text, sink) => await (await this.#settled()).export(text, sink);
  readonly update: Same<"update"> = async (text, request) =>
    await (await this.#settled()).update(text, request);

  async diff(text: string): Promise<readonly Change[]> {
    return (await this.#settled()).diff(text);
  }

  /**
   * Mounts the tree of a container (without volumes) or of an image, read-only, for as long as the task takes.
   * @throws CONTAINER_NOT_FOUND, IMAGE_NOT_FOUND when it is neither
   */
  async withFiles<T>(text: string, task: (path: string) => Promise<T>): Promise<T> {
    const containers = await this.#settled();
    const known = containers.list().some(({ id, name }) => name === text || id.startsWith(text));
    if (known) return await containers.withTree(text, task);
    return await containers.withImageTree(this.#parts.findImage(text), task);
  }

  /** IDs of its processes on the host. @throws CONTAINER_NOT_RUNNING */
  async pids(text: string): Promise<readonly number[]> {
    return (await this.#settled()).pids(text);
  }

  /** Its processes as the host's `ps` shows them with these options; the titles first. @throws CONTAINER_NOT_RUNNING */
  async processes(text: string, options: readonly string[]): Promise<readonly (readonly string[])[]> {
    return await (await this.#settled()).processes(text, options);
  }

  /** Bytes of what it wrote, and with its image. */
  async size(text: string): Promise<{ readonly writtenBytes: number; readonly totalBytes: number }> {
    const containers = await this.#settled();
    const record = containers.get(text);
    const writtenBytes = containers.writtenBytes(record.id);
    return { writtenBytes, totalBytes: writtenBytes + this.#imageBytes(record) };
  }

  /** What it takes now. @throws CONTAINER_NOT_RUNNING */
  async usage(text: string): Promise<Usage> {
    return (await this.#open()).usage(text);
  }

  /** Makes an image of what a container changed. */
  async commit(
    text: string,
    options: Omit<CommitRequest, "image" | "names" | "change"> & {
      readonly name?: string;
      /** Instructions of a Dockerfile, as `CMD ["serve"]`. */
      readonly changes?: readonly string[];
    } = {},
  ): Promise<Image> {
    const containers = await this.#settled();
    const { name, changes = [], ...rest } = options;
    const applyChanges =
      changes.length === 0 ? undefined : (await import("./commit-changes.ts")).applyChanges;
    const base = this.#parts.findImage(containers.get(text).image.id);
    const names = name === undefined ? [] : [parseReference(name)];
    const image = await containers.commit(text, {
      ...rest,
      image: base,
      names,
      ...(applyChanges !== undefined && { change: (config) => applyChanges(config, changes) }),
    });
    tellImage(this.#parts.events, "create", image);
    for (const one of names) tellImage(this.#parts.events, "tag", image, familiarReference(one));
    return image;
  }

  /** Removes every container that does not run and that `accepts` takes. */
  async prune(
    accepts: (record: ContainerRecord) => boolean = () => true,
  ): Promise<readonly ContainerRecord[]> {
    const [containers, { isLive }] = [await this.#settled(), await import("#container")];
    const ended = containers.list().filter((record) => !isLive(record.state) && accepts(record));
    const removed: ContainerRecord[] = [];
    for (const record of ended) if (await removeUnlessBusy(containers, record)) removed.push(record);
    this.#parts.events.append({ type: "container", action: "prune", id: "", attributes: {} });
    return removed;
  }

  /**
   * Starts what a restart policy wants running: after a boot, all that ran (`unless-stopped`) or ever ran (`always`).
   * @returns those that were started, and the failures of the others
   */
  async resume(): Promise<{
    readonly started: readonly ContainerRecord[];
    readonly failures: readonly { readonly name: string; readonly error: unknown }[];
  }> {
    const [containers, { isLive }] = [await this.#settled(), await import("#container")];
    const waiting = containers.list().filter((record) => !isLive(record.state) && wantsToRun(record));
    const started: ContainerRecord[] = [];
    const failures: { readonly name: string; readonly error: unknown }[] = [];
    // Oldest first: what others depend on was made before them.
    for (const { id, name } of waiting.toReversed()) {
      try {
        started.push(await containers.start(id));
      } catch (error) {
        failures.push({ name, error });
      }
    }
    return { started, failures };
  }

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

  readonly repair: Same<"repair"> = async () => await (await this.#open()).repair();

  /** Settles what containers left that ended without a client. */
  async sweep(): Promise<void> {
    await this.#parts.sweep();
  }

  async #make<T>(
    options: RunOptions,
    make: (containers: Containers, request: Parameters<Containers["run"]>[0]) => Promise<T>,
  ): Promise<T> {
    const containers = await this.#settled();
    const { image: imageName, platform, ...rest } = options;
    return await make(containers, { ...rest, imageName, image: this.#parts.findImage(imageName, platform) });
  }

  /** 0 for an image that was removed by force. */
  #imageBytes({ image }: ContainerRecord): number {
    try {
      return this.#parts.findImage(image.id).sizeBytes;
    } catch {
      return 0;
    }
  }

  #open(): Promise<Containers> {
    return this.#parts.open();
  }

  async #settled(): Promise<Containers> {
    await this.#parts.sweep();
    return await this.#open();
  }
}

/** @returns false when another command was faster: it removed the container, or started it */
async function removeUnlessBusy(containers: Containers, { id }: ContainerRecord): Promise<boolean> {
  try {
    await containers.remove(id);
    return true;
  } catch (error) {
    if (isLighterError(error) && (error.code === "CONTAINER_NOT_FOUND" || error.code === "CONTAINER_RUNNING"))
      return false;
    throw error;
  }
}

function wantsToRun({ restart, isStopped, state }: ContainerRecord): boolean {
  if (state.startedAt === undefined) return false;
  return restart.name === "always" || (restart.name === "unless-stopped" && isStopped !== true);
}
