// What comes by IPv6 to a published port of a container that has IPv4 alone.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, copyFileSync, existsSync, openSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Lab, missing } from "../network/lab.ts";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine() || missing() || false;
const connections = 40;

function makeBox({ folder, run }: Clone): void {
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(folder, "busybox"));
  writeFileSync(
    join(folder, "Dockerfile"),
    'FROM scratch\nCOPY busybox /busybox\nCMD ["/busybox", "sleep", "100000"]\n',
  );
  const { status, stderr } = run(["build", "-q", "-t", "box", "."]);
  assert.equal(status, 0, stderr);
}

/** A server of this process in the network of a container. */
function serve(lab: Lab, pid: number, port: number, onSocket: (socket: Socket) => void): Disposable {
  const path = `/proc/${pid}/ns/net`;
  const namespace = { fd: openSync(path, "r"), path, [Symbol.dispose]() {} };
  const { fd } = lab.host.sockets.bind({ namespace, protocol: "tcp", address: "0.0.0.0", port });
  closeSync(namespace.fd);
  const server = createServer({ allowHalfOpen: true }, (socket) => onSocket(socket.on("error", () => {})));
  server.listen({ fd });
  return { [Symbol.dispose]: () => void server.close() };
}

async function exchange(port: number, data: Buffer): Promise<Buffer> {
  const socket = connect({ host: "::1", port, allowHalfOpen: true });
  socket.end(data);
  return await buffer(socket);
}

async function failureOf(port: number, data: string): Promise<string | undefined> {
  const socket = connect({ host: "::1", port });
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => socket.once("error", resolve));
  socket.once("end", () => socket.destroy(new Error("it ended as if all were well")));
  socket.resume().write(data);
  const { code, message } = await failed;
  return code ?? message;
}

test("TCP by IPv6 is carried to a container that has IPv4 alone", { skip }, async (t) => {
  using clone = openClone();
  makeBox(clone);
  await using lab = new Lab();
  const lighter = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = clone.run(args);
    assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  try {
    const ports = ["-p", "8080:80", "-p", "8081:81", "-p", "8082:82", "-p", "127.0.0.1:8083:80"];
    lighter("run", "-d", "--name", "web", ...ports, "box");
    assert.deepEqual(lighter("port", "web").split("\n"), [
      "80/tcp -> 0.0.0.0:8080",
      "80/tcp -> 127.0.0.1:8083",
      "80/tcp -> [::]:8080",
      "81/tcp -> 0.0.0.0:8081",
      "81/tcp -> [::]:8081",
      "82/tcp -> 0.0.0.0:8082",
      "82/tcp -> [::]:8082",
    ]);
    const pid = Number(lighter("inspect", "-f", "{{.State.Pid}}", "web"));
    using _echo = serve(lab, pid, 80, (socket) => void socket.pipe(socket));
    using _cut = serve(lab, pid, 81, (socket) => void socket.once("data", () => socket.resetAndDestroy()));

    await t.test("both ways, ended by either side", async () => {
      const data = randomBytes(8 << 20);
      assert.ok((await exchange(8080, data)).equals(data));
    });
    await t.test("many at once", async () => {
      const sent = Array.from({ length: connections }, () => randomBytes(100_000));
      const got = await Promise.all(sent.map((data) => exchange(8080, data)));
      assert.ok(got.every((data, at) => data.equals(sent[at] ?? Buffer.alloc(0))));
    });
    await t.test("a reset is none but a reset", async () => {
      assert.equal(await failureOf(8081, "x"), "ECONNRESET");
    });
    await t.test("where nobody listens", async () => {
      assert.match((await failureOf(8082, "x")) ?? "", /^(ECONNRESET|ECONNREFUSED|EPIPE)$/);
    });
    await t.test("what is published on an address of IPv4 is there alone", async () => {
      assert.equal(await failureOf(8083, "x"), "ECONNREFUSED");
    });
    await t.test("with the container its connections and its port go", async () => {
      const standing = connect({ host: "::1", port: 8080 });
      standing.on("error", () => {}).write("x");
      await once(standing, "data");
      const closed = once(standing, "close");
      lighter("rm", "-f", "web");
      await closed;
      for (
        const deadline = Date.now() + 60_000;
        (await failureOf(8080, "x")) !== "ECONNREFUSED";
        await delay(20)
      )
        assert.ok(Date.now() < deadline, "the port is still held");
    });
  } finally {
    clone.run(["rm", "-f", "web"]);
  }
  assert.deepEqual(leftovers(clone.root), []);
});
