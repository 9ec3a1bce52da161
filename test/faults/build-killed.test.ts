import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const dockerfile = `FROM scratch AS tools
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM tools AS work
WORKDIR /work
COPY files .
RUN cat /work/* > /work.sum && sleep 0.1
FROM scratch
COPY --from=tools /bin/busybox /bin/cat
COPY --from=work /work.sum /answer
ENTRYPOINT ["/bin/cat", "/answer"]
`;

const skip = whyNoMachine();

test("kill -9 at any point of a build: the next build succeeds and nothing is left behind", {
  skip,
}, async () => {
  using clone = openClone();
  writeContext(clone, "warm-up");
  const whole = await timeBuild(clone);
  for (let point = 1; point <= 24; point += 1) {
    writeContext(clone, `content of round ${point}`);
    await killAfter(clone, (whole * point) / 22);
    const build = clone.run(["build", "-q", "-t", "answer", "."]);
    assert.equal(build.status, 0, `after a kill at ${point}/22 of a build: ${build.stderr}`);
    const run = clone.run(["run", "--rm", "--network", "none", "answer"]);
    assert.equal(run.stdout, `content of round ${point}`.repeat(50), run.stderr);
    const sweep = (): void => void clone.run(["build", "-q", "-t", "answer", "."]);
    const left = leftovers(clone.root, () => false, sweep);
    assert.deepEqual(left, [], `after a kill at ${point}/22 of a build`);
  }
  const images = clone.run(["images", "-q"]);
  assert.equal(images.status, 0, images.stderr);
});

test("ten builds of one context at once give one image and all succeed", { skip }, async () => {
  using clone = openClone();
  writeContext(clone, "the same for all");
  const builds = Array.from({ length: 10 }, async (_, index) => {
    const child = clone.start(["build", "-q", "-t", `answer:${index}`, "."]);
    const output = { stdout: "", stderr: "" };
    child.stdout?.on("data", (chunk) => (output.stdout += String(chunk)));
    child.stderr?.on("data", (chunk) => (output.stderr += String(chunk)));
    const status = await new Promise((resolve) => child.once("close", resolve));
    return { status, ...output };
  });
  const results = await Promise.all(builds);
  assert.deepEqual(
    results.filter((result) => result.status !== 0),
    [],
  );
  assert.equal(new Set(results.map((result) => result.stdout)).size, 1);
  assert.deepEqual(leftovers(clone.root), []);
});

function writeContext(clone: Clone, content: string): void {
  mkdirSync(join(clone.folder, "files"), { recursive: true });
  copyFileSync("/bin/busybox", join(clone.folder, "busybox"));
  writeFileSync(join(clone.folder, "Dockerfile"), dockerfile);
  for (let index = 0; index < 50; index += 1) writeFileSync(join(clone.folder, "files", `${index}`), content);
}

async function timeBuild(clone: Clone): Promise<number> {
  const started = performance.now();
  const child = clone.start(["build", "-t", "answer", "."]);
  let stderr = "";
  child.stderr?.on("data", (chunk) => (stderr += String(chunk)));
  child.stdout?.resume();
  const status = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(status, 0, stderr);
  return performance.now() - started;
}

async function killAfter(clone: Clone, delayMs: number): Promise<void> {
  const child = clone.start(["build", "-t", "answer", "."]);
  child.stdout?.resume();
  child.stderr?.resume();
  const ended = new Promise((resolve) => child.once("exit", resolve));
  setTimeout(() => child.kill("SIGKILL"), delayMs);
  await ended;
}
