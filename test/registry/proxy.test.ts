import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import {
  client,
  makeImage,
  noise,
  openStore,
  pull,
  push,
  startRegistry,
  tempFolder,
  whyNoRegistry,
} from "./lab.ts";

const skip = whyNoRegistry();

/** A proxy that knows one name and shows who asked for what. */
async function startProxy(port: number) {
  const asked: string[] = [];
  const server = createServer();
  server.on("connect", (request, socket, head) => {
    asked.push(`${request.url} ${request.headers["proxy-authorization"] ?? "-"}`);
    if (request.url !== `registry.test:${port}`) return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    asked,
    port: typeof address === "object" && address !== null ? address.port : 0,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("through a proxy, with TLS to the registry itself and a name that only the proxy knows", {
  skip,
  timeout: 300_000,
}, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"), { tls: true });
  using proxy = await startProxy(registry.port);
  const [here, there] = [openStore(join(folder.path, "here")), openStore(join(folder.path, "there"))];
  const image = await makeImage(here, "app:1", [{ big: noise(500_000) }, { small: "x" }]);
  const name = `registry.test:${registry.port}/app:1`;
  const options = {
    authorityFiles: [registry.ca ?? ""],
    proxyEnv: { HTTPS_PROXY: `http://me:pw@127.0.0.1:${proxy.port}` },
  };
  const digest = await push(here, image, name, client(options));
  assert.equal((await pull(there, name, client(options))).target.digest, digest);
  const who = `Basic ${Buffer.from("me:pw").toString("base64")}`;
  assert.deepEqual([...new Set(proxy.asked)], [`registry.test:${registry.port} ${who}`]);
  await assert.rejects(
    pull(there, "other.test/app", client(options)),
    /cannot pull "other.test\/app:latest": registry "other.test": the proxy .* answers 403 to CONNECT/,
  );
});
