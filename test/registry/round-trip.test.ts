import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isLighterError } from "#base";
import { createHost } from "#host";
import { registryTarget } from "#image";
import { parseReference } from "#oci";
import {
  client,
  leftovers,
  makeImage,
  noise,
  openStore,
  pull,
  push,
  readFiles,
  startRegistry,
  tempFolder,
  whyNoRegistry,
} from "./lab.ts";
import { startTokenService } from "./token-service.ts";

const skip = whyNoRegistry();
const skipSkopeo = whyNoRegistry("skopeo");

test("what is pushed comes back: digests, files, and nothing is sent twice", { skip }, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"));
  const [here, there] = [openStore(join(folder.path, "here")), openStore(join(folder.path, "there"))];
  const image = await makeImage(here, "app:1", [
    { "etc/hosts": "one", "bin/tool": noise(300_000) },
    { "etc/hosts": "two", "new/file": "x" },
  ]);
  const name = `${registry.address}/team/app:1`;
  const digest = await push(here, image, name);
  const pulled = await pull(there, name);
  assert.equal(pulled.target.digest, digest);
  assert.equal(pulled.id, image.id, "the config, and so the image id, is untouched");
  const tree = await there.images.unpack(pulled);
  assert.ok(tree !== undefined);
  const merged = Object.assign(
    {},
    ...[...there.snapshots.layers(tree)].reverse().map((layer) => readFiles(layer)),
  );
  assert.deepEqual(Object.keys(merged).sort(), ["bin/tool", "etc/hosts", "new/file"]);
  assert.equal(merged["etc/hosts"], Buffer.from("two").toString("base64"));
  assert.deepEqual(leftovers(there.root), []);
  assert.equal(await push(there, pulled, name), digest);
  assert.equal((await pull(there, `${registry.address}/team/app@${digest}`)).id, image.id);
});

test("a blob that another repository of the registry has is mounted, not sent", { skip }, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"));
  const store = openStore(join(folder.path, "store"));
  const image = await makeImage(store, "app:1", [{ big: noise(500_000) }]);
  await push(store, image, `${registry.address}/a/app:1`);
  const outcomes: string[] = [];
  using registries = client();
  await store.images.send(image, registryTarget(registries, parseReference(`${registry.address}/b/app:1`)), {
    form: { compression: "gzip" },
    allPlatforms: true,
    onProgress: ({ label, done }) => done && outcomes.push(label.replace(/ [0-9a-f]{12}/, "")),
  });
  assert.deepEqual(outcomes.sort(), ["copy (mounted)", "copy (mounted)"]);
});

for (const compression of ["gzip", "zstd", "uncompressed"] as const)
  test(`skopeo reads what lighter pushed with ${compression}, and lighter what skopeo pushed`, {
    skip: skipSkopeo,
  }, async () => {
    using folder = tempFolder();
    await using registry = await startRegistry(join(folder.path, "registry"));
    const [here, there] = [openStore(join(folder.path, "here")), openStore(join(folder.path, "there"))];
    const image = await makeImage(here, "app:1", [{ a: noise(100_000) }, { "b/c": "text".repeat(1000) }]);
    using registries = client();
    const { top } = await here.images.send(
      image,
      registryTarget(registries, parseReference(`${registry.address}/app:1`)),
      {
        form: { compression },
        allPlatforms: true,
      },
    );
    skopeo(
      "copy",
      "--src-tls-verify=false",
      `docker://${registry.address}/app:1`,
      `oci:${folder.path}/layout:1`,
    );
    skopeo(
      "copy",
      "--dest-tls-verify=false",
      `oci:${folder.path}/layout:1`,
      `docker://${registry.address}/again:1`,
    );
    const pulled = await pull(there, `${registry.address}/again:1`);
    assert.equal(pulled.target.digest, top.digest, "equal digests both ways");
    assert.equal(pulled.id, image.id);
    assert.ok(await there.images.unpack(pulled));
    assert.equal(pulled.sizeBytes, image.sizeBytes);
    assert.deepEqual(await there.images.check(), []);
  });

test("docker's own manifests (schema 2) are pulled as they are", { skip: skipSkopeo }, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"));
  const [here, there] = [openStore(join(folder.path, "here")), openStore(join(folder.path, "there"))];
  const image = await makeImage(here, "app:1", [{ a: "1" }]);
  await push(here, image, `${registry.address}/app:1`);
  skopeo(
    "copy",
    "--src-tls-verify=false",
    "--dest-tls-verify=false",
    "--format",
    "v2s2",
    `docker://${registry.address}/app:1`,
    `docker://${registry.address}/v2s2:1`,
  );
  const pulled = await pull(there, `${registry.address}/v2s2:1`);
  assert.equal(pulled.target.mediaType, "application/vnd.docker.distribution.manifest.v2+json");
  assert.equal(await push(there, pulled, `${registry.address}/back:1`), pulled.target.digest);
});

test("podman runs what lighter pushed into its own store", { skip: whyNoRegistry("podman") }, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"));
  const store = openStore(join(folder.path, "store"));
  const image = await makeImage(store, "app:1", [{ a: "1" }, { b: noise(50_000) }]);
  await push(store, image, `${registry.address}/app:1`);
  const place = [
    "--root",
    join(folder.path, "podman"),
    "--runroot",
    join(folder.path, "podman-run"),
    "--storage-driver",
    "vfs",
  ];
  const id = execFileSync(
    "podman",
    [...place, "pull", "-q", "--tls-verify=false", `${registry.address}/app:1`],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  assert.equal(`sha256:${id.toString().trim()}`, image.id);
});

test("TLS with an authority of one's own: from certs.d, from a file, and refused without", {
  skip,
}, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"), { tls: true });
  const [here, there] = [openStore(join(folder.path, "here")), openStore(join(folder.path, "there"))];
  const name = `localhost:${registry.port}/app:1`;
  const image = await makeImage(here, "app:1", [{ a: "1" }]);
  const certificates = join(folder.path, "certs.d");
  mkdirSync(join(certificates, `localhost:${registry.port}`), { recursive: true });
  execFileSync("cp", [registry.ca ?? "", join(certificates, `localhost:${registry.port}`, "ca.crt")]);
  const strict = { insecure: [], certificateDirectories: [certificates] };
  const digest = await push(here, image, name, client(strict));
  const byFile = { insecure: [], authorityFiles: [registry.ca ?? ""] };
  assert.equal((await pull(there, name, client(byFile))).target.digest, digest);
  await assert.rejects(pull(there, name, client({ insecure: [] })), /its certificate is not trusted/);
  assert.equal(
    (await pull(there, name, client())).target.digest,
    digest,
    "loopback counts as insecure, as docker has it",
  );
});

test("basic auth: refused, logged in, logged out", { skip }, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"), { basic: "me:secret" });
  const store = openStore(join(folder.path, "store"));
  const name = `${registry.address}/app:1`;
  const image = await makeImage(store, "app:1", [{ a: "1" }]);
  const dockerConfigDirectory = join(folder.path, "docker");
  const options = { dockerConfigDirectory };
  const isDenied = (error: unknown) => isLighterError(error, "REGISTRY_DENIED");
  await assert.rejects(push(store, image, name, client(options)), isDenied);
  using registries = client(options);
  const login = (password: string) =>
    registries.login(registry.address, { kind: "password", username: "me", password });
  await assert.rejects(login("wrong"), (error) => isLighterError(error, "CREDENTIALS_INVALID"));
  assert.deepEqual(await login("secret"), { kind: "file", path: join(dockerConfigDirectory, "config.json") });
  const digest = await push(store, image, name, client(options));
  assert.equal((await pull(store, name, client(options))).target.digest, digest);
  assert.equal(await registries.logout(registry.address), true);
  assert.equal(await registries.logout(registry.address), false);
  await assert.rejects(pull(store, name, client(options)), isDenied);
});

test("a credential helper is asked, with the registry's name on its input", { skip }, async () => {
  using folder = tempFolder();
  await using registry = await startRegistry(join(folder.path, "registry"), { basic: "me:secret" });
  const store = openStore(join(folder.path, "store"));
  const bin = join(folder.path, "bin");
  mkdirSync(bin);
  const answer = `{"ServerURL":"x","Username":"me","Secret":"secret"}`;
  const asked = join(folder.path, "asked");
  writeFileSync(
    join(bin, "docker-credential-lab"),
    `#!/bin/sh\n(echo "$1"; cat) >>${asked}\necho '${answer}'\n`,
    { mode: 0o755 },
  );
  const config = join(folder.path, "docker");
  mkdirSync(config);
  writeFileSync(join(config, "config.json"), JSON.stringify({ credHelpers: { [registry.address]: "lab" } }));
  const image = await makeImage(store, "app:1", [{ a: "1" }]);
  const own = createHost({ path: `${bin}:${process.env["PATH"]}` });
  await push(store, image, `${registry.address}/app:1`, client({ dockerConfigDirectory: config, host: own }));
  assert.equal(readFileSync(asked, "utf8"), `get\n${registry.address}`);
});

function skopeo(...args: readonly string[]): void {
  execFileSync("skopeo", args, { stdio: ["ignore", "ignore", "pipe"] });
}

test("token auth: for strangers, with a password, and for two repositories at once", { skip }, async () => {
  using folder = tempFolder();
  mkdirSync(join(folder.path, "tokens"));
  await using tokens = await startTokenService(join(folder.path, "tokens"), "me:secret");
  await using registry = await startRegistry(join(folder.path, "registry"), { token: tokens });
  const [here, there] = [openStore(join(folder.path, "here")), openStore(join(folder.path, "there"))];
  const options = { dockerConfigDirectory: join(folder.path, "docker") };
  using registries = client(options);
  await assert.rejects(
    registries.login(registry.address, { kind: "password", username: "me", password: "no" }),
    (error) => isLighterError(error, "CREDENTIALS_INVALID"),
  );
  await registries.login(registry.address, { kind: "password", username: "me", password: "secret" });
  const image = await makeImage(here, "app:1", [{ a: noise(200_000) }]);
  const digest = await push(here, image, `${registry.address}/open/app:1`, client(options));
  await push(here, image, `${registry.address}/shut/app:1`, client(options));
  assert.ok(
    tokens.asked.includes("repository:shut/app:pull,push repository:open/app:pull"),
    "mounted with one token",
  );
  assert.equal((await pull(there, `${registry.address}/open/app:1`)).target.digest, digest);
  await assert.rejects(pull(there, `${registry.address}/shut/app:1`), (error) =>
    isLighterError(error, "REGISTRY_DENIED"),
  );
});
