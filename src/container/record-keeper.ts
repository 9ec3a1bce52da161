import { errorMessage } from "#base";
import type { Attachment } from "#runtime";
import type { ContainerRecord, ContainerState } from "./container-record.ts";
import type { ContainerStore } from "./container-store.ts";

/** Keeps the record true while the container lives, and removes or settles it at the end. */
export class RecordKeeper {
  readonly #store: ContainerStore;
  #record: ContainerRecord;

  constructor(store: ContainerStore, record: ContainerRecord) {
    this.#store = store;
    this.#record = record;
  }

  /** Runs the container's life; a failure is noted and goes on. */
  async watch(life: () => Promise<number>): Promise<number> {
    try {
      return await life();
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  joined({ address, gateway, mac, ports }: Attachment): void {
    const given = {
      ...(address === undefined ? {} : { address }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(mac === undefined ? {} : { mac }),
    };
    this.#record = { ...this.#record, network: { name: this.#record.network.name, ...given, ports } };
  }

  started(): void {
    this.#change({ status: "running", startedAt: new Date().toISOString() });
  }

  ended(exitCode: number): void {
    this.#record = { ...this.#record, state: { status: "exited", exitCode, ...this.#times() } };
  }

  #failed(error: unknown): void {
    const exitCode = this.#record.state.status === "created" ? 125 : 137;
    this.#record = {
      ...this.#record,
      state: { status: "exited", exitCode, ...this.#times(), error: errorMessage(error) },
    };
  }

  /** Comes when all else is undone, so that a record which says `exited` has no mount and no interface to explain. */
  close(): void {
    if (this.#record.remove) this.#store.remove(this.#record.id);
    else this.#store.save(this.#record, { durable: true });
  }

  #times(): { readonly startedAt?: string; readonly finishedAt: string } {
    const { state } = this.#record;
    const startedAt = state.status === "running" ? { startedAt: state.startedAt } : {};
    return { ...startedAt, finishedAt: new Date().toISOString() };
  }

  #change(state: ContainerState): void {
    this.#record = { ...this.#record, state };
    this.#store.save(this.#record, { durable: false });
  }
}
