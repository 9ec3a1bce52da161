// A mirror between lighter and the real archive that changes what it hands on: a build on such packages ends with one
// sentence, and once the mirror is honest the same store assembles the base. (Every other way in which a mirror can be
// bad is tried on a made-up archive in test/distroless/bad-mirror.test.ts.)
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type Clone, type Outcome, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const archive = "http://deb.debian.org";
const skip = whyNoMachine() || (await whyNoArchive());

test("a corrupted .deb and a package list that is not the signed one end a build in one sentence", {
  skip,
}, async () => {
  using clone = openClone();
  await using mirror = await openMirror();
  writeFileSync(join(clone.folder, "Dockerfile"), "FROM debian:bookworm-slim\nRUN test -x /usr/bin/dpkg\n");
  const cases: readonly (readonly [RegExp, RegExp])[] = [
    [
      /\.deb$/,
      /^cannot use "http:.*\.deb": its bytes are not those that the signed package list names; try again/,
    ],
    [/by-hash/, /^cannot use "http:.*": its bytes are not those that the signed Release file names; /],
    [/InRelease$/, /^cannot trust "http:.*InRelease": its signature does not hold/],
  ];
  for (const [paths, says] of cases.toReversed()) {
    mirror.damages = paths;
    const build = await runBuild(clone, mirror.url);
    const [sentence = "", ...rest] = build.stderr
      .slice(build.stderr.lastIndexOf("lighter: ") + "lighter: ".length)
      .trimEnd()
      .split("\n");
    assert.equal(build.status, 1, build.stderr);
    assert.match(sentence, says);
    assert.equal(rest[0], `${clone.folder}/Dockerfile:1`, build.stderr);
    assert.match(rest.join("\n"), /^> 1 \| FROM debian:bookworm-slim$/m);
    assert.deepEqual(leftovers(clone.root), []);
    assert.equal(clone.run(["images", "-q"]).stdout, "");
  }
  mirror.damages = undefined;
  const build = await runBuild(clone, mirror.url);
  assert.equal(build.status, 0, build.stderr);
  assert.match(
    build.stderr,
    /^#1 FROM debian:bookworm-slim: assembled from Debian bookworm \(recipe debian-slim\)$/m,
  );
  const again = await runBuild(clone, mirror.url);
  assert.match(
    again.stderr,
    /^#1 FROM debian:bookworm-slim: in the store, assembled from Debian bookworm \(recipe debian-slim\)$/m,
  );
});

async function runBuild(clone: Clone, url: string): Promise<Outcome> {
  const child = clone.start(["build", "-t", "based", "."], {
    env: { LIGHTER_DEBIAN_MIRROR: `${url}/debian` },
  });
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk) => (output.stdout += String(chunk)));
  child.stderr?.on("data", (chunk) => (output.stderr += String(chunk)));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, ...output };
}

interface Mirror extends AsyncDisposable {
  readonly url: string;
  /** Paths of which a byte in the middle is changed on the way. */
  damages: RegExp | undefined;
}

async function openMirror(): Promise<Mirror> {
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const isDamaged = mirror.damages?.test(path) === true;
    const { range } = request.headers;
    get(`${archive}${path}`, { headers: range === undefined ? {} : { range } }, (answer) => {
      const { "content-length": length } = answer.headers;
      response.writeHead(answer.statusCode ?? 500, length === undefined ? {} : { "content-length": length });
      // However the bytes are cut into pieces. At the very end stands padding, or the signature's own frame.
      let left = Math.floor(Number(length) / 2);
      answer.on("data", (chunk: Buffer) => {
        if (isDamaged && left >= 0 && left < chunk.length) chunk.writeUInt8((chunk[left] ?? 0) ^ 1, left);
        left -= chunk.length;
        response.write(chunk);
      });
      answer.on("end", () => response.end());
      answer.on("error", () => response.destroy());
      response.on("close", () => answer.destroy());
    }).on("error", () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const mirror: Mirror = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    damages: undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return mirror;
}

async function whyNoArchive(): Promise<string | false> {
  const isThere = await new Promise<boolean>((resolve) => {
    const request = get(`${archive}/debian/dists/bookworm/Release`, { timeout: 5000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.once("timeout", () => request.destroy(new Error("timeout")));
    request.once("error", () => resolve(false));
  });
  return !isThere && "no Debian mirror can be reached";
}
