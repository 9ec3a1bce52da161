import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Cleanup,
  errorCodes,
  errorMessage,
  formatBytes,
  formatDuration,
  isLighterError,
  LighterError,
  Limit,
} from "#base";

test("Cleanup runs every step, last in first out, and gathers the failures", async () => {
  const order: string[] = [];
  const scope = new Cleanup();
  scope.defer(() => void order.push("first"));
  scope.defer(() => {
    order.push("second");
    throw new Error("second failed");
  });
  scope.defer(async () => {
    await Promise.resolve();
    order.push("third");
    throw new Error("third failed");
  });
  await assert.rejects(
    async () => scope[Symbol.asyncDispose](),
    (error) =>
      error instanceof AggregateError &&
      error.errors.map(errorMessage).join() === "third failed,second failed",
  );
  assert.deepEqual(order, ["third", "second", "first"]);
  await scope[Symbol.asyncDispose]();
  assert.equal(order.length, 3);
});

test("Cleanup throws a single failure as it is and refuses steps after disposal", async () => {
  const failure = new LighterError("STORE_FULL", "cannot write");
  const scope = new Cleanup();
  scope.defer(() => {
    throw failure;
  });
  await assert.rejects(async () => scope[Symbol.asyncDispose](), failure);
  assert.throws(() => scope.defer(() => undefined), /already disposed/);
});

test("Cleanup.move hands the steps over and leaves nothing behind", async () => {
  let undone = 0;
  const scope = new Cleanup();
  scope.defer(() => void (undone += 1));
  const moved = scope.move();
  await scope[Symbol.asyncDispose]();
  assert.equal(undone, 0);
  await moved[Symbol.asyncDispose]();
  assert.equal(undone, 1);
});

test("Cleanup.use disposes synchronous and asynchronous resources", async () => {
  const order: string[] = [];
  const scope = new Cleanup();
  scope.use({ [Symbol.dispose]: () => void order.push("sync") });
  scope.use({
    [Symbol.asyncDispose]: async () => {
      await Promise.resolve();
      order.push("async");
    },
  });
  await scope[Symbol.asyncDispose]();
  assert.deepEqual(order, ["async", "sync"]);
});

test("Limit never runs more tasks than its width and frees the place of a failed one", async () => {
  const limit = new Limit(2);
  let running = 0;
  let most = 0;
  const task = (fail: boolean): Promise<void> =>
    limit.run(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      if (fail) throw new Error("failed");
    });
  const results = await Promise.allSettled([true, false, true, false, false].map(task));
  assert.equal(most, 2);
  assert.deepEqual(
    results.map((result) => result.status),
    ["rejected", "fulfilled", "rejected", "fulfilled", "fulfilled"],
  );
});

test("LighterError carries its kind, details and cause", () => {
  const cause = new Error("EADDRINUSE");
  const error = new LighterError("PORT_IN_USE", "cannot publish port 80/tcp", {
    cause,
    details: { hostPort: 80 },
  });
  assert.equal(error.kind.http, 409);
  assert.equal(error.kind.exit, 125);
  assert.equal(error.cause, cause);
  assert.equal(error.details["hostPort"], 80);
  assert.ok(isLighterError(error, "PORT_IN_USE"));
  assert.ok(!isLighterError(error, "STORE_FULL"));
  assert.ok(!isLighterError(cause));
});

test("every error code has a non-zero exit status and an HTTP failure", () => {
  for (const [code, kind] of Object.entries(errorCodes)) {
    assert.ok(kind.exit > 0 && kind.exit < 256, code);
    assert.ok(kind.http >= 400 && kind.http < 600, code);
  }
});

test("formatBytes writes sizes as docker does", () => {
  const cases: readonly [number, string][] = [
    [0, "0B"],
    [999, "999B"],
    [1000, "1kB"],
    [1_212_416, "1.21MB"],
    [837_000_000, "837MB"],
    [1_000_000_000_000, "1TB"],
    [999_999, "1MB"],
  ];
  for (const [sizeBytes, text] of cases) assert.equal(formatBytes(sizeBytes), text);
});

test("formatDuration uses docker's words", () => {
  const second = 1000;
  const day = 86_400 * second;
  const cases: readonly [number, string][] = [
    [0, "Less than a second"],
    [second, "1 second"],
    [59 * second, "59 seconds"],
    [60 * second, "About a minute"],
    [59 * 60 * second, "59 minutes"],
    [3600 * second, "About an hour"],
    [47 * 3600 * second, "47 hours"],
    [3 * day, "3 days"],
    [14 * day, "2 weeks"],
    [61 * day, "2 months"],
    [365 * day * 3, "3 years"],
  ];
  for (const [durationMs, text] of cases) assert.equal(formatDuration(durationMs), text, String(durationMs));
});
