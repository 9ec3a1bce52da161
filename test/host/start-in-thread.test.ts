import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { createHost } from "#host";

const stdio = ["ignore", "ignore", "ignore"] as const;

if (isMainThread)
  test("a thread, which hears of no signal, is told of a program's end", async () => {
    const [exit] = await once(new Worker(import.meta.filename), "message");
    assert.deepEqual(exit, { status: 3 });
  });
else
  parentPort?.postMessage(
    await createHost().processes.spawn("sh", ["-c", "exit 3"], { stdio, env: {} }).exited,
  );
