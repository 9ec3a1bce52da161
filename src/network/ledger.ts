import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LighterError, systemErrorCode } from "#base";
import type { Host, Lock } from "#host";
import type { Network } from "./network-record.ts";
import { emptyState, type NetworkState } from "./network-state.ts";

/** The state while its lock is held. */
export interface LedgerPage {
  /** A process that inherits it goes on holding the lock. */
  readonly lockFd: number;
  readonly state: NetworkState;
  /** Replaces the state on disk, at once. */
  save(state: NetworkState): void;
  /** The user's networks. */
  readonly records: readonly Network[];
  /** Replaces them on disk, to outlive a power cut. */
  saveRecords(records: readonly Network[]): void;
}

/**
 * `state.json` and `networks.json` under one lock between processes, and a lock file per container which says that its owner
 * lives.
 *
 * The state is renamed into place but not flushed: it describes kernel objects, and those do not outlive a power cut.
 */
export class NetworkLedger {
  readonly #folder: string;
  readonly #host: Pick<Host, "locks" | "probes">;

  constructor(options: { readonly folder: string; readonly host: Pick<Host, "locks" | "probes"> }) {
    this.#folder = options.folder;
    this.#host = options.host;
  }

  /** Runs `task` alone among all processes of this store. */
  async update<T>(task: (page: LedgerPage) => Promise<T>): Promise<T> {
    mkdirSync(join(this.#folder, "live"), { recursive: true, mode: 0o700 });
    using lock = await this.#host.locks.acquire(join(this.#folder, "lock"), "exclusive");
    let state = this.read();
    let records: readonly Network[] | undefined;
    const readRecords = () => this.records();
    return await task({
      lockFd: lock.fd,
      get state() {
        return state;
      },
      save: (next) => {
        state = next;
        this.#write(next);
      },
      get records() {
        return (records ??= readRecords());
      },
      saveRecords: (next) => {
        records = next;
        this.#writeRecords(next);
      },
    });
  }

  /** The user's networks as they were saved last, without the lock, oldest first. */
  records(): readonly Network[] {
    const path = join(this.#folder, "networks.json");
    const text = readText(path);
    return text === undefined ? [] : parseDocument(text, path, ["networks"]).networks;
  }

  get statePath(): string {
    return join(this.#folder, "state.json");
  }

  get resolverLockPath(): string {
    return join(this.#folder, "resolver.lock");
  }

  get folder(): string {
    return this.#folder;
  }

  /** The state as it was saved last, without the lock. */
  read(): NetworkState {
    const bootId = this.#host.probes.bootId();
    const text = readText(this.statePath);
    // A file cut short by a power cut belongs to an earlier boot: it says nothing any more.
    if (text === undefined || text === "") return emptyState(bootId);
    const state = parseDocument(text, this.statePath, ["networks", "sandboxes", "endpoints"]).state;
    return state.bootId === bootId ? state : emptyState(bootId);
  }

  /** Declares a sandbox alive as long as the lock is held. */
  claim(sandboxId: string): Lock {
    const lock = this.#host.locks.tryAcquire(this.#livePath(sandboxId), "exclusive");
    if (lock !== undefined) return lock;
    throw new LighterError("INTERNAL", `cannot claim sandbox "${sandboxId}": another process has it`);
  }

  /** Shared, so that of two who look at once neither takes the other for the owner. */
  isAlive(sandbox: { readonly id: string }): boolean {
    using lock = this.#host.locks.tryAcquire(this.#livePath(sandbox.id), "shared");
    return lock === undefined;
  }

  /** Forgets the lock file of a sandbox that is out of the state. */
  forget(sandboxId: string): void {
    rmSync(this.#livePath(sandboxId), { force: true });
  }

  #livePath(sandboxId: string): string {
    return join(this.#folder, "live", sandboxId);
  }

  #write(state: NetworkState): void {
    const written = `${this.statePath}.new`;
    writeFileSync(written, `${JSON.stringify(state, undefined, 1)}\n`, { mode: 0o600 });
    renameSync(written, this.statePath);
  }

  #writeRecords(networks: readonly Network[]): void {
    const path = join(this.#folder, "networks.json");
    const fd = openSync(`${path}.new`, "w", 0o600);
    try {
      writeFileSync(fd, `${JSON.stringify({ version: 2, networks }, undefined, 1)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(`${path}.new`, path);
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

interface Documents {
  readonly state: NetworkState;
  readonly networks: readonly Network[];
}

function parseDocument(text: string, path: string, lists: readonly (keyof NetworkState)[]): Documents {
  const fault = (cause?: unknown): LighterError =>
    new LighterError(
      "STORE_CORRUPT",
      `cannot read "${path}": it is no network state of this version; stop all containers and remove it`,
      { cause },
    );
  try {
    const parsed: NetworkState & { networks: readonly Network[] } = JSON.parse(text);
    const isWhole = lists.every((name) => Array.isArray(parsed[name]));
    if (parsed.version === 2 && isWhole) return { state: parsed, networks: parsed.networks };
    if (isEmptyOlder(parsed)) return { state: emptyState(parsed.bootId), networks: [] };
  } catch (error) {
    throw fault(error);
  }
  throw fault();
}

/** Version 1 knew the default bridge only; without endpoints it says nothing that is still needed. */
function isEmptyOlder(parsed: {
  readonly version: number;
  readonly endpoints?: readonly unknown[];
}): boolean {
  return parsed.version === 1 && parsed.endpoints?.length === 0;
}
