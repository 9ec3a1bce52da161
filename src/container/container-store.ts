import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LighterError, systemErrorCode } from "#base";
import { type Host, removeFile, removeTree } from "#host";
import { randomName } from "./container-name.ts";
import {
  type ContainerRecord,
  type ContainerState,
  createdState,
  type StoredContainer,
} from "./container-record.ts";

/**
 * Containers on disk: a directory `<id>/` with the record, the writable layer (`fs`, `work`) and the files bound into /etc;
 * `by-name/<name>` holds an ID, and creating that file is what makes a name unique among processes.
 */
export class ContainerStore {
  readonly #folder: string;
  readonly #host: Pick<Host, "files" | "locks">;

  constructor(options: { readonly folder: string; readonly host: Pick<Host, "files" | "locks"> }) {
    this.#folder = options.folder;
    this.#host = options.host;
  }

  directory(id: string): string {
    return join(this.#folder, id);
  }

  /**
   * Makes the directory and takes the name: the one asked for, or a random one that is free.
   * @throws CONTAINER_NAME_USED
   */
  async create(
    id: string,
    name: string | undefined,
    describe: (name: string) => StoredContainer,
  ): Promise<StoredContainer> {
    mkdirSync(join(this.#folder, "by-name"), { recursive: true, mode: 0o700 });
    using _lock = await this.#host.locks.acquire(join(this.#folder, "lock"), "exclusive");
    const taken = this.#takeName(id, name);
    const directory = this.directory(id);
    mkdirSync(directory, { mode: 0o700 });
    mkdirSync(join(directory, "fs"), { mode: 0o755 });
    // By this file programs find out that they are in a container.
    writeFileSync(join(directory, "fs/.dockerenv"), "", { mode: 0o755 });
    mkdirSync(join(directory, "work"), { mode: 0o700 });
    const record = describe(taken);
    this.#write(record);
    return record;
  }

  /** Gives a container another name. @throws CONTAINER_NAME_USED */
  async rename(record: StoredContainer, name: string): Promise<void> {
    using _lock = await this.#host.locks.acquire(join(this.#folder, "lock"), "exclusive");
    this.#takeName(record.id, name);
    const old = record.name;
    this.#write({ ...record, name });
    if (this.#holderOf(old) === record.id) rmSync(this.#namePath(old), { force: true });
  }

  /** Replaces the record. `durable` survives a power cut. */
  save(record: StoredContainer, options: { readonly durable: boolean }): void {
    this.#write(record);
    if (options.durable)
      for (const path of [this.#recordPath(record.id), this.directory(record.id)])
        this.#host.files.sync(path);
  }

  /** Removes all of a container. The name goes first: while the directory stands, nobody else takes the name for free. Idempotent. */
  remove(id: string): void {
    const name = this.find(id)?.name;
    if (name !== undefined && this.#holderOf(name) === id) removeFile(this.#namePath(name));
    removeTree(this.directory(id));
  }

  /** Newest first. */
  list(): readonly ContainerRecord[] {
    return this.ids()
      .flatMap((id) => this.find(id) ?? [])
      .sort((a, b) => (a.created < b.created ? 1 : -1));
  }

  /** By name, ID or a unique beginning of one. @throws CONTAINER_NOT_FOUND, CONTAINER_INVALID when the beginning fits several */
  get(given: string): ContainerRecord {
    // Docker shows names with a slash before them, and takes them so.
    const text = given.replace(/^\//, "");
    const named = /^[a-zA-Z0-9][\w.-]*$/.test(text) ? this.#holderOf(text) : undefined;
    const candidates =
      named === undefined ? this.ids().filter((id) => text !== "" && id.startsWith(text)) : [named];
    if (candidates.length > 1)
      throw new LighterError(
        "CONTAINER_INVALID",
        `cannot choose container "${text}": several IDs begin so; give more of it`,
      );
    const record = candidates[0] === undefined ? undefined : this.find(candidates[0]);
    if (record !== undefined) return record;
    throw new LighterError(
      "CONTAINER_NOT_FOUND",
      `cannot find container "${text}": there is none of that name or ID`,
      {
        details: { container: text },
      },
    );
  }

  /** Removes what a process left that died while it made or removed a container; not what is just being made. */
  removeBroken(id: string): void {
    using lock = this.#host.locks.tryAcquire(join(this.#folder, "lock"), "exclusive");
    if (lock !== undefined && this.find(id) === undefined) this.remove(id);
  }

  #takeName(id: string, asked: string | undefined): string {
    for (let tries = 0; ; tries += 1) {
      const name = asked ?? randomName() + (tries < 5 ? "" : String(tries));
      const holder = this.#holderOf(name);
      // A name without a container was left by a process that died between the two steps of create.
      if (holder === undefined || !existsSync(join(this.directory(holder), "container.json"))) {
        writeFileSync(this.#namePath(name), id, { mode: 0o600 });
        return name;
      }
      if (asked !== undefined) throw nameUsed(name, holder);
    }
  }

  #holderOf(name: string): string | undefined {
    return readText(this.#namePath(name));
  }

  #namePath(name: string): string {
    return join(this.#folder, "by-name", name);
  }

  #recordPath(id: string): string {
    return join(this.directory(id), "container.json");
  }

  /** Of every directory, with a readable record or without. */
  ids(): readonly string[] {
    return existsSync(this.#folder)
      ? readdirSync(this.#folder).filter((name) => /^[0-9a-f]{64}$/.test(name))
      : [];
  }

  /** By whole ID. */
  find(id: string): ContainerRecord | undefined {
    const text = readText(this.#recordPath(id));
    if (text === undefined || text === "") return undefined;
    try {
      const stored: StoredContainer = JSON.parse(text);
      return stored.version === 2 ? { ...stored, state: this.readState(id) } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Where the monitor tells how it goes. */
  statePath(id: string): string {
    return join(this.directory(id), "state.json");
  }

  /** Present while a running container stands still. */
  pausedPath(id: string): string {
    return join(this.directory(id), "paused");
  }

  /** For ends that no monitor could tell. */
  saveState(id: string, state: ContainerState): void {
    replaceFile(this.statePath(id), state);
  }

  /** What its monitor told last; that of a new container when there is nothing yet. */
  readState(id: string): ContainerState {
    const text = readText(this.statePath(id));
    if (text === undefined || text === "") return createdState;
    try {
      const told: ContainerState = { ...createdState, ...JSON.parse(text) };
      const { startedAt, finishedAt, error, health, ...state } = told;
      return {
        ...state,
        // Nobody asks one that has ended: docker takes it for sick.
        ...(health && { health: state.status === "exited" ? { ...health, status: "unhealthy" } : health }),
        ...(startedAt ? { startedAt } : {}),
        ...(finishedAt ? { finishedAt } : {}),
        ...(error ? { error } : {}),
        status: state.status === "running" && existsSync(this.pausedPath(id)) ? "paused" : state.status,
      };
    } catch {
      return createdState;
    }
  }

  #write(record: StoredContainer): void {
    const path = this.#recordPath(record.id);
    const { state: _, ...stored } = { state: undefined, ...record };
    replaceFile(path, stored);
  }
}

function replaceFile(path: string, value: object): void {
  const half = `${path}.${process.pid}`;
  writeFileSync(half, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(half, path);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function nameUsed(name: string, holder: string): LighterError {
  return new LighterError(
    "CONTAINER_NAME_USED",
    `cannot name the container "${name}": container ${holder.slice(0, 12)} has that name; remove it or choose another`,
    { details: { name, holder } },
  );
}
