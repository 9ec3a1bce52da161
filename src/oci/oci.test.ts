import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chainId,
  Digester,
  digestOf,
  familiarReference,
  formatPlatform,
  formatReference,
  isDigest,
  parseDigest,
  parsePlatform,
  parseReference,
  samePlatform,
  shortId,
} from "#oci";

const hex = "a".repeat(64);

test("parseReference normalizes as docker does", () => {
  const cases: readonly [string, string, string][] = [
    ["nginx", "docker.io/library/nginx:latest", "nginx:latest"],
    ["nginx:1.25", "docker.io/library/nginx:1.25", "nginx:1.25"],
    ["index.docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"],
    ["docker.io/library/nginx", "docker.io/library/nginx:latest", "nginx:latest"],
    ["team/app", "docker.io/team/app:latest", "team/app:latest"],
    ["localhost/app", "localhost/app:latest", "localhost/app:latest"],
    ["localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1"],
    ["gcr.io/distroless/static", "gcr.io/distroless/static:latest", "gcr.io/distroless/static:latest"],
    ["[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"],
    [`nginx@sha256:${hex}`, `docker.io/library/nginx@sha256:${hex}`, `nginx@sha256:${hex}`],
    [`nginx:1@sha256:${hex}`, `docker.io/library/nginx:1@sha256:${hex}`, `nginx:1@sha256:${hex}`],
    ["a__b/c-d.e", "docker.io/a__b/c-d.e:latest", "a__b/c-d.e:latest"],
  ];
  for (const [text, full, familiar] of cases) {
    const reference = parseReference(text);
    assert.equal(formatReference(reference), full, text);
    assert.equal(familiarReference(reference), familiar, text);
    assert.deepEqual(parseReference(full), reference, `${text} again`);
  }
});

test("parseReference names the part that is wrong", () => {
  const cases: readonly [string, RegExp][] = [
    ["", /repository is empty/],
    ["Nginx", /lower case/],
    ["nginx:", /tag/],
    ["nginx:-x", /tag/],
    [`nginx:${"x".repeat(129)}`, /tag/],
    ["nginx@sha256:abc", /digest/],
    ["a//b", /separators/],
    ["a_-b", /separators/],
    ["-a/b", /separators/],
    ["exa mple.com/x", /registry host|separators/],
    [`${"a/".repeat(130)}b`, /255/],
  ];
  for (const [text, message] of cases) assert.throws(() => parseReference(text), message, text);
});

test("digests are parsed strictly", () => {
  assert.equal(parseDigest(`sha256:${hex}`), `sha256:${hex}`);
  for (const bad of [
    "",
    hex,
    `sha256:${hex.toUpperCase()}`,
    `sha512:${hex}`,
    `sha256:${hex}0`,
    `sha256:../../etc/passwd`,
  ]) {
    assert.ok(!isDigest(bad));
    assert.throws(() => parseDigest(bad), /cannot use digest/, bad);
  }
  assert.equal(shortId(`sha256:${hex}`), "a".repeat(12));
});

test("Digester equals digestOf over any split", () => {
  const digester = new Digester();
  digester.update(Buffer.from("hello "));
  digester.update(Buffer.from("world"));
  assert.equal(digester.sizeBytes, 11);
  assert.equal(digester.digest(), digestOf("hello world"));
});

test("chainId follows the specification's recursion", () => {
  const [a, b, c] = [digestOf("a"), digestOf("b"), digestOf("c")] as const;
  assert.equal(chainId([]), undefined);
  assert.equal(chainId([a]), a);
  assert.equal(chainId([a, b, c]), digestOf(`${digestOf(`${a} ${b}`)} ${c}`));
  const asked: string[] = [];
  const given = chainId([a, b], (text) => {
    asked.push(text);
    return c;
  });
  assert.deepEqual([given, asked], [c, [`${a} ${b}`]]);
});

test("platforms have one canonical name", () => {
  const cases: readonly [string, string][] = [
    ["amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/armel", "linux/arm/v6"],
    ["Windows/AMD64", "windows/amd64"],
  ];
  for (const [text, name] of cases) assert.equal(formatPlatform(parsePlatform(text)), name, text);
  assert.ok(samePlatform({ os: "linux", architecture: "x86_64" }, { os: "linux", architecture: "amd64" }));
  assert.deepEqual(parsePlatform("windows(10.0.17763)/amd64"), {
    os: "windows",
    architecture: "amd64",
    "os.version": "10.0.17763",
  });
  for (const text of ["windows(1/amd64", "windows(1)", "(1)/amd64", "windows(1)x/amd64"])
    assert.throws(() => parsePlatform(text), { code: "PLATFORM_INVALID" }, text);
  assert.throws(() => parsePlatform("linux/amd64/v1/x"), /cannot use platform/);
  assert.throws(() => parsePlatform("linux/"), /cannot use platform/);
});
