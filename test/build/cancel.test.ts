// Ctrl-C at each kind of work: nothing goes on, nothing is left half made, and the next build works.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
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

/** Starts the build, waits until the step called so is at work, presses Ctrl-C, and gives what was said. */
async function interrupted(args: readonly string[], step: string): Promise<string> {
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
  assert.equal(code, 130, output);
  return output;
}

function assertClean(): void {
  assert.deepEqual(leftovers(clone.root), []);
  const remote = readdirSync(join(clone.root, "build/remote"));
  assert.deepEqual(
    remote.filter((name) => /^(?:git|stream)-/.test(name)),
    [],
  );
  const { status, stderr } = clone.run(["system", "check"]);
  assert.equal(status, 0, stderr);
}

/** Programs on this machine that speak to a port of ours. */
function programsAt(port: number): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(`127.0.0.1:${port}`) ? [command] : [];
      } catch {
        return []; // it has ended
      }
    });
}

const base = "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n";

describe("Ctrl-C", { skip }, () => {
  test("during RUN", async () => {
    await interrupted([context("run", `${base}RUN busybox sleep 1000\n`)], "sleep 1000");
    assertClean();
    assert.equal(spawnSync("pgrep", ["-fx", "busybox sleep 1000"]).status, 1);
  });

  test("during COPY of many files; the next build copies them", async () => {
    const path = context("copy", "FROM scratch\nCOPY many /many\n");
    mkdirSync(join(path, "many"));
    for (let at = 0; at < fileCount; at += 1) writeFileSync(join(path, `many/${at}`), `${at}`);
    await interrupted([path], "COPY many /many");
    assertClean();
    const { status, stderr } = clone.run(["build", "--progress", "plain", path]);
    assert.equal(status, 0, stderr);
  });

  test("while the zeros of a long hole are written into a layer", async () => {
    const path = context("hole", "FROM scratch\nCOPY hole /\n");
    writeFileSync(join(path, "hole"), "");
    truncateSync(join(path, "hole"), 2 ** 33);
    await interrupted([path], "exporting to image");
    assertClean();
  });

  test("during ADD from the web, and a context from it", async () => {
    const url = `http://127.0.0.1:${portOf(web)}/file`;
    await interrupted([context("add", `FROM scratch\nADD ${url} /\n`)], url);
    assertClean();
    await interrupted([url], "load remote build context");
    assertClean();
  });

  test("while git waits for an answer", async () => {
    const port = portOf(silent);
    await interrupted([`http://127.0.0.1:${port}/x.git`], "load git source");
    assertClean();
    assert.deepEqual(programsAt(port), []);
  });

  test("while standard input is awaited", async () => {
    // A pipe that nobody writes to.
    const child = spawn(join(process.cwd(), "bin/lighter"), ["build", "-"], {
      env: { ...process.env, LIGHTER_ROOT: clone.root },
      stdio: ["pipe", "ignore", "ignore"],
    });
    const snapshots = join(clone.root, "snapshots");
    const partial = (): boolean =>
      existsSync(snapshots) &&
      readdirSync(snapshots, { recursive: true }).some((path) => basename(String(path)) === "stream");
    const deadline = Date.now() + 20_000;
    while (!partial()) {
      assert.ok(Date.now() < deadline, "standard input is not being kept");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill("SIGINT");
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    assert.equal(code, 130);
    assertClean();
  });
});
