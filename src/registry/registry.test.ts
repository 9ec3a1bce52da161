import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isLighterError } from "#base";
import { digestOf, mediaTypes, parseReference } from "#oci";
import { parseChallenges } from "./auth/challenge.ts";
import { findPlain } from "./auth/docker-config.ts";
import { endpointsOf } from "./endpoint.ts";
import { isInNetwork, matchesHost } from "./http/address.ts";
import { findProxy } from "./http/proxy.ts";
import { parseRetryAfter, pauseMs } from "./http/retry-after.ts";
import { startMemoryRegistry } from "./memory/memory-registry.ts";
import { openRegistryClient } from "./open-registry-client.ts";
import type { RegistryOptions } from "./options.ts";
import type { BlobSource, RegistryClient } from "./registry-client.ts";

const noPrograms = { processes: {} } as unknown as RegistryOptions["host"];
const open = (options: Partial<RegistryOptions> = {}) =>
  openRegistryClient({ host: noPrograms, backoffMs: 5, ...options });

test("challenges as servers write them", () => {
  const bearer = {
    scheme: "bearer",
    parameters: { realm: "https://auth/t?a=1,2", service: "reg", scope: "repository:a/b:pull,push" },
  };
  const table: readonly [string, readonly object[]][] = [
    ['Bearer realm="https://auth/t?a=1,2",service="reg",scope="repository:a/b:pull,push"', [bearer]],
    ['BEARER realm="https://auth/t?a=1,2" , service=reg, scope="repository:a/b:pull,push"', [bearer]],
    ['Basic realm="a \\"quoted\\" one"', [{ scheme: "basic", parameters: { realm: 'a "quoted" one' } }]],
    [
      'Negotiate, Basic realm="x"',
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "basic", parameters: { realm: "x" } },
      ],
    ],
    ["", []],
  ];
  for (const [header, expected] of table) assert.deepEqual(parseChallenges(header), expected, header);
});

test("which registries count as insecure, and where each is asked", () => {
  const table: readonly [string, string][] = [
    ["localhost:5000", "https http"],
    ["127.8.0.1:5000", "https http"],
    ["[::1]:5000", "https http"],
    ["registry.example", "https"],
    ["128.0.0.1", "https"],
  ];
  for (const [registry, schemes] of table)
    assert.equal(
      endpointsOf(registry, {}, "pull")
        .map(({ url }) => url.protocol.slice(0, -1))
        .join(" "),
      schemes,
      registry,
    );
  const mirrors = { "docker.io": ["https://mirror.example/hub", "http://localhost:5000"] };
  assert.deepEqual(
    endpointsOf("docker.io", { mirrors }, "pull").map(({ url }) => url.href),
    ["https://mirror.example/hub/v2/", "http://localhost:5000/v2/", "https://registry-1.docker.io/v2/"],
  );
  assert.equal(endpointsOf("docker.io", { mirrors }, "push").length, 1, "mirrors are for reading");
  assert.ok(
    matchesHost("reg.example:5000", ["reg.example"]) && !matchesHost("reg.example:5000", ["reg.example:80"]),
  );
  assert.ok(isInNetwork("10.2.3.4", "10.0.0.0/8") && !isInNetwork("11.2.3.4", "10.0.0.0/8"));
});

test("proxies as curl reads the environment", () => {
  const env = {
    HTTPS_PROXY: "http://proxy:3128",
    HTTP_PROXY: "plain:8080",
    NO_PROXY: "corp.example,.dom,10.0.0.0/8,host:444",
  };
  const table: readonly [string, string | undefined][] = [
    ["https://registry.example/", "http://proxy:3128/"],
    ["http://registry.example/", "http://plain:8080/"],
    ["https://corp.example/", undefined],
    ["https://a.corp.example/", undefined],
    ["https://a.dom/", undefined],
    ["https://10.1.2.3/", undefined],
    ["https://host:444/", undefined],
    ["https://host/", "http://proxy:3128/"],
    ["https://localhost:5000/", undefined],
  ];
  for (const [url, proxy] of table) assert.equal(findProxy(new URL(url), env)?.href, proxy, url);
});

test("what docker's config.json holds for a registry, however the key was written", () => {
  const auth = Buffer.from("me:se:cret").toString("base64");
  const config = {
    auths: {
      "https://reg.example/v2/": { auth },
      "https://index.docker.io/v1/": { auth, identitytoken: "tok" },
    },
    credHelpers: {},
    credsStore: undefined,
  };
  assert.deepEqual(findPlain(config, "reg.example"), {
    kind: "password",
    username: "me",
    password: "se:cret",
  });
  assert.deepEqual(findPlain(config, "docker.io"), { kind: "identity", username: "me", token: "tok" });
  assert.equal(findPlain(config, "other.example"), undefined);
});

test("how long to wait", () => {
  assert.equal(parseRetryAfter("3", 0), 3000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 1970 00:00:10 GMT", 4000), 6000);
  assert.equal(parseRetryAfter("soon", 0), undefined);
  assert.equal(pauseMs(0, 100, 5000), 5000);
  assert.equal(pauseMs(0, 100, 3_600_000), undefined, "an hour is the user's decision");
  for (let attempt = 0; attempt < 20; attempt += 1)
    assert.ok((pauseMs(attempt, 100, undefined) ?? 0) <= 20_000);
});

const bytes = Buffer.from("a layer of bytes ".repeat(5000));
const blob: BlobSource = {
  descriptor: { mediaType: mediaTypes.layer, digest: digestOf(bytes), size: bytes.length },
  async *open(offsetBytes) {
    yield await Promise.resolve(bytes.subarray(offsetBytes));
  },
};

async function pushArtifact(registries: RegistryClient, name: string, extra: object = {}): Promise<string> {
  const reference = parseReference(name);
  const config = Buffer.from("{}");
  const configBlob: BlobSource = {
    descriptor: { mediaType: mediaTypes.empty, digest: digestOf(config), size: config.length },
    async *open() {
      yield await Promise.resolve(config);
    },
  };
  await registries.pushBlob(reference, blob);
  await registries.pushBlob(reference, configBlob);
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: configBlob.descriptor,
    layers: [blob.descriptor],
    ...extra,
  };
  const document = { mediaType: mediaTypes.manifest, bytes: Buffer.from(JSON.stringify(manifest)) };
  await registries.pushManifest(reference, document);
  return digestOf(document.bytes);
}

test("the memory registry: pieces, mounts, tags, referrers, ranges", async () => {
  await using registry = await startMemoryRegistry();
  using registries = open({ chunkBytes: 10_000 });
  const { address } = registry;
  const digest = await pushArtifact(registries, `${address}/a:1`);
  assert.equal(registry.findTag("a", "1"), digest);
  assert.equal(await registries.pushBlob(parseReference(`${address}/a`), blob), "existed");
  assert.equal(
    await registries.pushBlob(parseReference(`${address}/b`), blob, { mountFrom: ["a"] }),
    "mounted",
  );
  assert.ok(registry.requests.filter((line) => line.startsWith("PATCH")).length >= 8, "in pieces");
  const chunks: Uint8Array[] = [];
  for await (const chunk of registries.fetchBlob(parseReference(`${address}/a`), blob.descriptor, {
    offsetBytes: 70_000,
  }))
    chunks.push(chunk);
  assert.deepEqual(Buffer.concat(chunks), bytes.subarray(70_000));
  const subject = (await registries.getManifest(parseReference(`${address}/a:1`))).descriptor;
  const signature = await pushArtifact(registries, `${address}/a:sig`, {
    subject,
    artifactType: "test/signature",
  });
  const rows = await registries.listReferrers(parseReference(`${address}/a@${digest}`), {
    artifactType: "test/signature",
  });
  assert.deepEqual(
    rows.map((row) => row.digest),
    [signature],
  );
  assert.deepEqual(await registries.listTags(parseReference(`${address}/a`)), ["1", "sig"]);
  assert.equal(await registries.findManifest(parseReference(`${address}/a:none`)), undefined);
});

test("referrers where the registry has no interface for them: a tag lists them", async () => {
  await using registry = await startMemoryRegistry({
    intercept(request, response) {
      const isReferrers = request.url?.includes("/referrers/") === true;
      if (isReferrers) response.writeHead(404).end();
      const writeHead = response.writeHead.bind(response);
      response.writeHead = ((status: number, headers: Record<string, string> = {}) => {
        const { "OCI-Subject": _, ...rest } = headers;
        return writeHead(status, rest);
      }) as typeof response.writeHead;
      return isReferrers;
    },
  });
  using registries = open();
  const digest = await pushArtifact(registries, `${registry.address}/a:1`);
  const subject = (await registries.getManifest(parseReference(`${registry.address}/a:1`))).descriptor;
  const first = await pushArtifact(registries, `${registry.address}/a:s1`, { subject, artifactType: "t/1" });
  const second = await pushArtifact(registries, `${registry.address}/a:s2`, { subject, artifactType: "t/2" });
  const rows = await registries.listReferrers(parseReference(`${registry.address}/a@${digest}`));
  assert.deepEqual(
    rows.map((row) => row.digest),
    [first, second],
  );
});

test("credentials: refused without, kept by login, sent at once afterwards", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lighter-docker-"));
  try {
    await using registry = await startMemoryRegistry({ credentials: { username: "me", password: "pw" } });
    using stranger = open();
    const reference = parseReference(`${registry.address}/a:1`);
    await assert.rejects(stranger.findManifest(reference), (error) =>
      isLighterError(error, "REGISTRY_DENIED"),
    );
    using registries = open({ dockerConfigDirectory: directory });
    const wrong = registries.login(registry.address, { kind: "password", username: "me", password: "no" });
    await assert.rejects(wrong, (error) => isLighterError(error, "CREDENTIALS_INVALID"));
    await registries.login(registry.address, { kind: "password", username: "me", password: "pw" });
    using known = open({ dockerConfigDirectory: directory });
    assert.equal(await known.findManifest(reference), undefined);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a mirror is asked first, and the registry when the mirror has nothing", async () => {
  await using mirror = await startMemoryRegistry();
  await using registry = await startMemoryRegistry();
  using registries = open();
  await pushArtifact(registries, `${registry.address}/a:1`);
  using mirrored = open({ mirrors: { [registry.address]: [`http://${mirror.address}`] } });
  const found = await mirrored.getManifest(parseReference(`${registry.address}/a:1`));
  assert.equal(found.from, registry.address);
  assert.deepEqual(mirror.requests, ["GET /v2/a/manifests/1"]);
});
