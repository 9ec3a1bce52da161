import assert from "node:assert/strict";
import { test } from "node:test";
import { prefetch, type Task } from "./prefetch.ts";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function* tasksOf(
  count: number,
  run: (index: number) => Promise<number>,
): AsyncGenerator<Task<number>> {
  for (let index = 0; index < count; index += 1) yield { weight: 10, run: () => run(index) };
}

async function collect(results: AsyncGenerator<number>): Promise<readonly number[]> {
  const all: number[] = [];
  for await (const result of results) all.push(result);
  return all;
}

test("results come in the order of the tasks, however long each takes", async () => {
  const run = async (index: number) => {
    await sleep(index % 3 === 0 ? 8 : 1);
    return index;
  };
  assert.deepEqual(await collect(prefetch(tasksOf(10, run), 40)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(await collect(prefetch(tasksOf(3, run), 1)), [0, 1, 2]);
  assert.deepEqual(await collect(prefetch(tasksOf(0, run), 40)), []);
});

test("no more runs ahead than weighs the limit", async () => {
  let running = 0;
  let most = 0;
  const run = async (index: number) => {
    running += 1;
    most = Math.max(most, running);
    await sleep(3);
    running -= 1;
    return index;
  };
  await collect(prefetch(tasksOf(12, run), 30));
  assert.equal(most, 3);
});

test("a failure comes in its turn, after the results before it", async () => {
  const seen: number[] = [];
  const run = async (index: number) => {
    if (index === 2) throw new Error("the third");
    await sleep(4);
    return index;
  };
  await assert.rejects(async () => {
    for await (const result of prefetch(tasksOf(9, run), 100)) seen.push(result);
  }, /the third/);
  assert.deepEqual(seen, [0, 1]);
});

test("a failure to make the next task comes when the tasks before it are done", async () => {
  async function* failing(): AsyncGenerator<Task<number>> {
    yield { weight: 1, run: async () => 1 };
    await sleep(1);
    throw new Error("no next one");
  }
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const result of prefetch(failing(), 10)) seen.push(result);
  }, /no next one/);
  assert.deepEqual(seen, [1]);
});

test("the first result is not held back by a task that is slow to come", async () => {
  let come = (): void => {};
  const isToCome = new Promise<void>((resolve) => {
    come = resolve;
  });
  async function* slow(): AsyncGenerator<Task<number>> {
    yield { weight: 1, run: async () => 1 };
    await isToCome;
  }
  // Held back, nothing would ever let the next task come, and the test would not end.
  for await (const _ of prefetch(slow(), 10)) come();
});

test("a reader that stops leaves nothing running", async () => {
  let running = 0;
  const run = async (index: number) => {
    running += 1;
    await sleep(5);
    running -= 1;
    return index;
  };
  for await (const _ of prefetch(tasksOf(20, run), 50)) break;
  assert.equal(running, 0);
});
