/**
 * Runs tasks some ahead of the one whose result is taken, and gives the results in the order of the tasks. When a task
 * fails, or the reader stops, those under way are awaited and no further one begins.
 */
export async function* prefetch<T>(
  tasks: AsyncGenerator<() => Promise<T>>,
  ahead: number,
): AsyncGenerator<T> {
  const running: Promise<T>[] = [];
  let isExhausted = false;
  const fill = async () => {
    while (!isExhausted && running.length < ahead) {
      const next = await tasks.next();
      if (next.done === true) {
        isExhausted = true;
        return;
      }
      const result = next.value();
      // Its failure is seen when its turn comes; until then it is not "unhandled".
      result.catch(() => {});
      running.push(result);
    }
  };
  try {
    for (;;) {
      const filling = fill();
      filling.catch(() => {});
      const first = running.shift();
      if (first === undefined) {
        await filling;
        if (running.length === 0) return;
        continue;
      }
      yield await first;
      await filling;
    }
  } finally {
    await Promise.allSettled(running);
    await tasks.return(undefined);
  }
}
