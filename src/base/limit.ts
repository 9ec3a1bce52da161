/** Runs tasks with at most `width` at once, in the order they were given. */
export class Limit {
  readonly #width: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param width how many tasks may run at once; at least 1 */
  constructor(width: number) {
    this.#width = Math.max(1, width);
  }

  /** Runs `task` when a place is free; its result or failure is the caller's. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
