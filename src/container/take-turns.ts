/** Runs tasks one after another, in the order in which they were asked for. */
export type TakeTurns = <T>(task: () => Promise<T>) => Promise<T>;

export function takeTurns(): TakeTurns {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(task: () => Promise<T>) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}
