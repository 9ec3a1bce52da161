// A container as a value of the library, removed when its scope ends.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "#engine";
import { openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();

test("await using: started, asked, followed and removed", { skip }, async () => {
  using clone = openClone();
  const context = join(clone.folder, "box");
  mkdirSync(context);
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(context, "busybox"));
  writeFileSync(
    join(context, "Dockerfile"),
    "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n",
  );
  await using engine = new Engine({ root: clone.root });
  await engine.build({ context, tags: ["box"] });
  {
    const script = "trap 'exit 5' TERM; echo one; echo two >&2; while :; do /bin/busybox sleep 0.05; done";
    const args = ["sh", "-c", script];
    await using container = await engine.run({ image: "box", args, network: "none", detach: true });
    assert.equal((await container.inspect()).state.status, "running");
    const said: string[] = [];
    const onStdout = (bytes: Uint8Array): void => void said.push(Buffer.from(bytes).toString());
    const words = { args: ["sh", "-c", "echo three; exit 4"], stdio: { onStdout, onStderr() {} } };
    const seen: string[] = [];
    for await (const { stream, log } of container.logs({ follow: true })) {
      seen.push(`${stream} ${log}`);
      if (seen.length < 2) continue;
      assert.equal(await container.exec(words), 4);
      await container.stop({ timeoutSeconds: 60 });
    }
    assert.deepEqual(seen.sort(), ["stderr two\n", "stdout one\n"]);
    assert.equal(said.join(""), "three\n");
    assert.equal(await container.wait(), 5);
    const until = `${new Date(Date.now() + 1000).toISOString().slice(0, -1)}000000Z`;
    const actions: string[] = [];
    for await (const { action } of container.events({ since: "2000", until })) actions.push(action);
    assert.deepEqual(actions.slice(0, 2), ["create", "start"]);
    assert.ok(actions.includes("die"));
  }
  assert.deepEqual(await engine.containers.list(), []);
  assert.deepEqual(leftovers(clone.root), []);
});
