import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { isLighterError } from "#base";
import { createHost } from "#host";
import { openRegistryClient } from "./open-registry-client.ts";

/** A proxy that is the web, too: it answers for every name. */
async function startProxy() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    asked.push(url);
    if (url.endsWith("/moved.tar")) response.writeHead(302, { Location: "/there.tar" }).end();
    else if (url.endsWith("/loop.tar")) response.writeHead(302, { Location: "/loop.tar" }).end();
    else if (url.endsWith("/there.tar")) response.end("bytes");
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    asked,
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("a file of the web comes through the proxy, redirects followed, not for ever", async () => {
  using proxy = await startProxy();
  using client = openRegistryClient({ host: createHost(), proxyEnv: { HTTP_PROXY: proxy.url } });
  const read = async (url: string): Promise<string> => {
    let text = "";
    for await (const chunk of client.fetchFile(url)) text += Buffer.from(chunk).toString();
    return text;
  };
  assert.equal(await read("http://web.test/moved.tar"), "bytes");
  assert.deepEqual(proxy.asked, ["http://web.test/moved.tar", "http://web.test/there.tar"]);
  for (const [path, why] of [
    ["none.tar", /cannot fetch ".*none.tar": the server answers 404/],
    ["loop.tar", /cannot fetch ".*loop.tar": it redirects more than 10 times/],
  ] as const)
    await assert.rejects(read(`http://web.test/${path}`), (error) => {
      assert.ok(isLighterError(error, "ARGUMENT_INVALID"));
      assert.match(error.message, why);
      return true;
    });
});
