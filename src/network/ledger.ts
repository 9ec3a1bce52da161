import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LighterError, systemErrorCode } from "#base";
import type { Host, Lock } from "#host";
import { type Endpoint, emptyState, type NetworkState } from "./network-state.ts";

/** The state while its lock is held. */
export interface LedgerPage {
  readonly state: NetworkState;
  /** Replaces the state on disk, at once. */
  save(state: NetworkState): void;
}

/**
 * `state.json` under one lock between processes, and a lock file per endpoint which says that its owner lives.
 *
 * The file is renamed into place but not flushed: it describes kernel objects, and those do not outlive a power cut.
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
    using _lock = await this.#host.locks.acquire(join(this.#folder, "lock"), "exclusive");
    const save = (state: NetworkState): void => {
      page = { state, save };
      this.#write(state);
    };
    let page: LedgerPage = { state: this.read(), save };
    return await task({
      get state() {
        return page.state;
      },
      save,
    });
  }

  /** The state as it was saved last, without the lock. */
  read(): NetworkState {
    const bootId = this.#host.probes.bootId();
    const text = readText(this.#statePath);
    // A file cut short by a power cut belongs to an earlier boot: it says nothing any more.
    if (text === undefined || text === "") return emptyState(bootId);
    const state = parseState(text, this.#statePath);
    return state.bootId === bootId ? state : emptyState(bootId);
  }

  /** Declares an endpoint alive as long as the lock is held. */
  claim(endpointId: string): Lock {
    const lock = this.#host.locks.tryAcquire(this.#livePath(endpointId), "exclusive");
    if (lock !== undefined) return lock;
    throw new LighterError("INTERNAL", `cannot claim endpoint "${endpointId}": another process has it`);
  }

  isAlive(endpoint: Endpoint): boolean {
    using lock = this.#host.locks.tryAcquire(this.#livePath(endpoint.id), "exclusive");
    return lock === undefined;
  }

  /** Forgets the lock file of an endpoint that is out of the state. */
  forget(endpointId: string): void {
    rmSync(this.#livePath(endpointId), { force: true });
  }

  get #statePath(): string {
    return join(this.#folder, "state.json");
  }

  #livePath(endpointId: string): string {
    return join(this.#folder, "live", endpointId);
  }

  #write(state: NetworkState): void {
    const written = `${this.#statePath}.new`;
    writeFileSync(written, `${JSON.stringify(state, undefined, 1)}\n`, { mode: 0o600 });
    renameSync(written, this.#statePath);
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

function parseState(text: string, path: string): NetworkState {
  const fault = (cause?: unknown): LighterError =>
    new LighterError(
      "STORE_CORRUPT",
      `cannot read "${path}": it is no network state of this version; stop all containers and remove it`,
      { cause },
    );
  try {
    const state: NetworkState = JSON.parse(text);
    if (state.version === 1) return state;
  } catch (error) {
    throw fault(error);
  }
  throw fault();
}
