import { LighterError } from "./errors.ts";

/**
 * A scope of undo steps. Disposing runs them last in, first out; every step runs even when one fails, and the
 * failures are thrown together as an `AggregateError` (one failure is thrown as it is).
 *
 * Idempotent: a second dispose does nothing. Use it with `await using`.
 */
export class Cleanup implements AsyncDisposable {
  #steps: (() => void | Promise<void>)[] = [];

  /** Adds a step. Steps added after disposal are a defect and throw INTERNAL. */
  defer(step: () => void | Promise<void>): void {
    if (this.#disposed)
      throw new LighterError("INTERNAL", "cannot defer a step: the scope is already disposed");
    this.#steps.push(step);
  }

  /** Adds a disposable and returns it. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.defer(() =>
      Symbol.asyncDispose in resource
        ? Promise.resolve(resource[Symbol.asyncDispose]())
        : (resource as Disposable)[Symbol.dispose](),
    );
    return resource;
  }

  /** Hands the steps to a new scope and leaves this one empty: for a function that fails half-way or succeeds whole. */
  move(): Cleanup {
    const moved = new Cleanup();
    moved.#steps = this.#steps;
    this.#steps = [];
    return moved;
  }

  #disposed = false;

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1)
      throw new AggregateError(failures, `${failures.length} steps of a clean-up failed`);
  }
}
