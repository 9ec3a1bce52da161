import assert from "node:assert/strict";
import { test } from "node:test";
import type { Channel } from "#host";
import { encodeFrame, fromMonitor } from "./frames.ts";
import { MonitorSession } from "./session.ts";

/** Says what it is told to say. */
function said() {
  let hear: (chunk: Buffer) => void | Promise<void> = () => {};
  let hangUp = (): void => {};
  const channel: Channel = {
    read: (onChunk) =>
      new Promise((resolve) => {
        hear = onChunk;
        hangUp = resolve;
      }),
    write: () => true,
    flushed: () => Promise.resolve(),
    [Symbol.dispose]: () => hangUp(),
  };
  return {
    channel,
    say: (...frames: readonly Buffer[]) => hear(Buffer.concat(frames)),
    hangUp: () => hangUp(),
  };
}

const exit = (exitCode: number, final: boolean): Buffer =>
  encodeFrame(fromMonitor.exited, Buffer.from(JSON.stringify({ exitCode, oomKilled: false, final })));

test("what comes before anybody waits, and several ends at once, are not lost", async () => {
  const { channel, say, hangUp } = said();
  const session = new MonitorSession(channel);
  await say(encodeFrame(fromMonitor.ready), exit(1, false), exit(0, true));
  hangUp();
  await session.closed;
  await session.ready();
  assert.deepEqual(await session.exited(), { exitCode: 1, oomKilled: false, final: false });
  assert.deepEqual(await session.exited(), { exitCode: 0, oomKilled: false, final: true });
  assert.equal(await session.exited(), undefined);
});

test("output is handed over in order, whatever its reader returns and however slow it is", async () => {
  const { channel, say } = said();
  const heard: string[] = [];
  const session = new MonitorSession(channel, (stream, chunk) => {
    if (stream === "stderr") return heard.push(`err ${chunk}`) as unknown as undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        heard.push(`out ${chunk}`);
        resolve();
      }),
    );
  });
  await say(
    encodeFrame(fromMonitor.stdout, Buffer.from("1")),
    encodeFrame(fromMonitor.stderr, Buffer.from("2")),
    encodeFrame(fromMonitor.stdout, Buffer.from("3")),
    exit(0, true),
  );
  assert.deepEqual(heard, ["out 1", "err 2", "out 3"]);
  assert.equal((await session.exited())?.exitCode, 0);
});
