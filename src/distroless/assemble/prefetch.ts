/** Work to be run ahead; its weight counts while its result has not been taken. */
export interface Task<T> {
  readonly weight: number;
  readonly run: () => Promise<T>;
}

/**
 * Runs tasks ahead of the one whose result is taken, as many as weigh less than `limit` together, and one at least; gives
 * the results in the order of the tasks. When a task fails, or the reader stops, those under way are awaited and no further
 * one begins.
 */
export async function* prefetch<T>(tasks: AsyncGenerator<Task<T>>, limit: number): AsyncGenerator<T> {
  const running: { readonly weight: number; readonly result: Promise<T> }[] = [];
  let weight = 0;
  let isExhausted = false;
  let onTask = () => {};
  const fill = async () => {
    while (!isExhausted && weight < limit) {
      const next = await tasks.next();
      if (next.done === true) {
        isExhausted = true;
        return;
      }
      const result = next.value.run();
      // Its failure is seen when its turn comes; until then it is not "unhandled".
      result.catch(() => {});
      running.push({ weight: next.value.weight, result });
      weight += next.value.weight;
      onTask();
    }
  };
  try {
    let filling = fill();
    for (;;) {
      filling.catch(() => {});
      if (running.length === 0) {
        const begun = new Promise<void>((resolve) => {
          onTask = resolve;
        });
        await Promise.race([filling, begun]);
      }
      const first = running.shift();
      if (first === undefined) return;
      yield await first.result;
      weight -= first.weight;
      // One filler at a time: what it found full before may have room now.
      filling = filling.then(fill);
    }
  } finally {
    await Promise.allSettled(running.map(({ result }) => result));
    await tasks.return(undefined);
  }
}
