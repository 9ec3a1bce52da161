// Ctrl-C at each kind of work: nothing goes on, nothing is left half made, and the next build works.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
const fileCount = 8000;

let clone: Clone;
let web: Server;
let silent: Server;
const sockets = new Set<Socket>();

before(async () => {
  clone = openClone();
  // Answers and never ends.
  web = createHttpServer((_, response) => {
    response.writeHead(200, { "content-length": "1000000" });
    response.write("half");
  });
  silent = createServer((socket) => sockets.add(socket));
  for (const server of [web, silent]) {
    server.on("connection", (socket: Socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }
});
after(() => {
  for (const socket of sockets) socket.destroy();
  web.close();
  silent.close();
  clone[Symbol.dispose]();
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function context(name: string, dockerfile: string): string {
  const path = join(clone.folder, name);
  mkdirSync(path, { recursive: true });
  copyFileSync("/bin/busybox", join(path, "busybox"));
  writeFileSync(join(path, "Dockerfile"), dockerfile);
  return path;
}

interface End {
  readonly code: number | null;
  readonly output: string;
}

/** Starts the build, waits until the step called so is at work, and presses Ctrl-C. */
async function press(args: readonly string[], step: string): Promise<End> {
  const child = clone.start(["build", "--progress", "rawjson", ...args]);
  let output = "";
  let isPressed = false;
  const look = (chunk: unknown) => {
    output += String(chunk);
    const isAtWork = output.split("\n").some((line) => line.includes(step) && line.includes('"started"'));
    if (isPressed || !isAtWork) return;
    isPressed = true;
    setTimeout(() => child.kill("SIGINT"), 30);
  };
  child.stderr?.on("data", look);
  child.stdout?.on("data", look);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  assert.equal(isPressed, true, output);
  return { code, output };
}

/** The same with a step that does not end of itself. */
async function interrupted(args: readonly string[], step: string): Promise<void> {
  const { code, output } = await press(args, step);
  assert.equal(code, 130, output);
}

/** The same with one that does: while it is done before the key is heard there is more to do the next time. */
async function interruptedAmid(
  args: readonly string[],
  step: string,
  prepare: (round: number) => void,
): Promise<void> {
  const rounds = 5;
  for (let round = 1; round <= rounds; round += 1) {
    prepare(round);
    const { code, output } = await press(args, step);
    if (code === 0 && round < rounds) continue;
    assert.equal(code, 130, output);
    return;
  }
}

/** What was told to end needs its moment: waits until nothing is found. */
async function assertGone(find: () => readonly string[]): Promise<void> {
  for (const end = Date.now() + 60_000; find().length > 0 && Date.now() < end; ) await delay(20);
  assert.deepEqual(find(), []);
}

async function assertClean(): Promise<void> {
  await assertGone(() => leftovers(clone.root));
  await assertGone(() =>
    readdirSync(join(clone.root, "build/remote")).filter((name) => /^(?:git|stream)-/.test(name)),
  );
  const { status, stderr } = clone.run(["system", "check"]);
  assert.equal(status, 0, stderr);
}

/** Programs on this machine that were started with these words. */
function programsWith(words: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(words) ? [command] : [];
      } catch {
        return []; // it has ended
      }
    });
}

const base = "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n";

describe("Ctrl-C", { skip }, () => {
  test("during RUN", async () => {
    const words = `busybox sleep ${1_000_000 + process.pid}`;
    await interrupted([context("run", `${base}RUN ${words}\n`)], words);
    await assertClean();
    await assertGone(() => programsWith(words));
  });

  test("during COPY of many files; the next build copies them", async () => {
    const path = context("copy", "FROM scratch\nCOPY many /many\n");
    mkdirSync(join(path, "many"));
    await interruptedAmid([path], "COPY many /many", (round) => {
      mkdirSync(join(path, `many/${round}`));
      for (let at = 0; at < fileCount * round; at += 1) writeFileSync(join(path, `many/${round}/${at}`), "x");
    });
    await assertClean();
    const { status, stderr } = clone.run(["build", "--progress", "plain", path]);
    assert.equal(status, 0, stderr);
  });

  test("while the zeros of a long hole are written into a layer", async () => {
    const path = context("hole", "FROM scratch\nCOPY hole /\n");
    writeFileSync(join(path, "hole"), "");
    await interruptedAmid([path], "exporting to image", (round) =>
      truncateSync(join(path, "hole"), 2 ** 32 * 2 ** round),
    );
    await assertClean();
  });

  test("during ADD from the web, and a context from it", async () => {
    const url = `http://127.0.0.1:${portOf(web)}/file`;
    await interrupted([context("add", `FROM scratch\nADD ${url} /\n`)], url);
    await assertClean();
    await interrupted([url], "load remote build context");
    await assertClean();
  });

  test("while git waits for an answer", async () => {
    const port = portOf(silent);
    await interrupted([`http://127.0.0.1:${port}/x.git`], "load git source");
    await assertClean();
    await assertGone(() => programsWith(`127.0.0.1:${port}`));
  });

  test("while standard input is awaited", async () => {
    // A pipe that nobody writes to.
    const child = spawn(join(process.cwd(), "bin/lighter"), ["build", "-"], {
      env: { ...process.env, LIGHTER_ROOT: clone.root },
      stdio: ["pipe", "ignore", "ignore"],
    });
    const snapshots = join(clone.root, "snapshots");
    const partial = (): boolean => {
      try {
        return readdirSync(snapshots, { recursive: true }).some(
          (path) => basename(String(path)) === "stream",
        );
      } catch {
        return false; // a directory was made or removed meanwhile
      }
    };
    const deadline = Date.now() + 60_000;
    while (!partial()) {
      assert.ok(Date.now() < deadline, "standard input is not being kept");
      await delay(50);
    }
    child.kill("SIGINT");
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    assert.equal(code, 130);
    await assertClean();
  });
});
