// Logs at speed: every line of every container arrives once, whole and in order.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { imageOf, missing, Stage } from "./stage.ts";

const skip = missing() ?? false;
const stage = skip === false ? new Stage() : undefined;
after(() => stage?.[Symbol.dispose]());

const lines = 200_000;
const containersAtOnce = 3;

test("three containers print 20 MB each at once: no line is lost, cut or mixed with another", {
  skip,
}, async () => {
  assert.ok(stage);
  const { containers, root } = stage;
  const path = join(root, "lines");
  const sent = createHash("sha256");
  const fd = openSync(path, "w");
  for (let first = 0; first < lines; first += 1000) {
    const block = Array.from(
      { length: 1000 },
      (_, at) =>
        `${first + at} "quoted" \\ and plain text to fill the line up to a hundred bytes, more or less ........\n`,
    ).join("");
    sent.update(block);
    writeSync(fd, block);
  }
  closeSync(fd);
  const digest = sent.digest("hex");
  const names = Array.from({ length: containersAtOnce }, (_, at) => `loud${at}`);
  await Promise.all(
    names.map((name) =>
      containers.runDetached({
        image: imageOf({}),
        imageName: "busybox",
        args: ["sh", "-c", "cat /lines & cat /lines >&2; wait"],
        name,
        network: "none",
        volumes: [`${path}:/lines:ro`],
      }),
    ),
  );
  for (const name of names) assert.equal(await containers.wait(name), 0);
  for (const name of names) {
    const got = { stdout: createHash("sha256"), stderr: createHash("sha256") };
    const count = { stdout: 0, stderr: 0 };
    for await (const { stream, log } of containers.logs(name)) {
      got[stream].update(log);
      count[stream] += 1;
    }
    assert.deepEqual(count, { stdout: lines, stderr: lines });
    assert.deepEqual([got.stdout.digest("hex"), got.stderr.digest("hex")], [digest, digest]);
    assert.equal(containers.get(name).state.lostLogBytes, 0);
    await containers.remove(name);
  }
});
