// What images hold; that programs run in them is proved in test/recipes.
import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openRecipeSource } from "#distroless";
import { familiarReference, parseReference } from "#oci";
import { Lab } from "./lab.ts";
import { whyNoArchive } from "./real-archive.ts";

const skip = await whyNoArchive();
/** One store for all tests: most packages are shared. */
let lab: Lab;
let work: string;

async function assemble(name: string, architecture = "amd64") {
  const { root, host, snapshots, images } = lab;
  const source = openRecipeSource({ root, host, snapshots, images });
  const reference = parseReference(name);
  const recipe = source.find(reference, { os: "linux", architecture });
  assert.ok(recipe, name);
  const image = await source.assemble(recipe, reference, { onProgress: () => {} });
  assert.equal(image.names.length > 0 && familiarReference(reference) !== "", true);
  return { image, tree: await lab.tree(image) };
}

/** What must not be in any of them. */
function checkBare(tree: string): void {
  const faults: string[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(join(tree, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      const { mode, uid } = lstatSync(join(tree, path));
      if (
        /^(?:sh|bash|dash|busybox|apt|apt-get|dpkg|perl|npm|pip3?)$/.test(entry.name) &&
        !entry.isDirectory()
      )
        faults.push(path);
      if (entry.isFile() && (mode & 0o6000) !== 0) faults.push(`${path} is set-id`);
      if (!entry.isSymbolicLink() && (mode & 0o022) !== 0 && (mode & 0o1000) === 0)
        faults.push(`${path} is writable`);
      if (uid !== 0 && !path.startsWith("/home/nonroot")) faults.push(`${path} belongs to ${uid}`);
      if (entry.isDirectory()) visit(path);
    }
  };
  visit("");
  assert.deepEqual(faults, []);
}

const mebibytes = (bytes: number) => bytes / (1 << 20);

/** Bytes of regular files, each once: what the tables of sizes count. */
function unpackedBytes(tree: string): number {
  const seen = new Set<number>();
  let total = 0;
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      if (!entry.isFile()) continue;
      const { ino, size } = lstatSync(path);
      if (!seen.has(ino)) total += size;
      seen.add(ino);
    }
  };
  visit(tree);
  return total;
}

before(() => {
  if (skip !== false) return;
  lab = new Lab();
  work = mkdtempSync(join(tmpdir(), "lighter-distroless-"));
});

after(async () => {
  if (skip !== false) return;
  rmSync(work, { recursive: true });
  await lab[Symbol.asyncDispose]();
});

test("static: Google's accounts and files, and no program at all", { skip, timeout: 900_000 }, async () => {
  const { image, tree } = await assemble("distroless/static-debian12:nonroot");
  checkBare(tree);
  const read = (path: string) => readFileSync(join(tree, path), "utf8");
  assert.match(read("etc/passwd"), /^nonroot:x:65532:65532:nonroot:\/home\/nonroot:\/sbin\/nologin$/m);
  assert.match(read("usr/lib/os-release"), /^PRETTY_NAME="Distroless"$/m);
  assert.match(read("usr/lib/os-release"), /^VERSION_ID="12"$/m);
  assert.equal(read("etc/ssl/certs/ca-certificates.crt").match(/BEGIN CERTIFICATE/g)?.length, 148);
  assert.match(read("var/lib/dpkg/status.d/tzdata"), /^Package: tzdata$/m);
  assert.deepEqual(
    [lstatSync(join(tree, "home/nonroot")).uid, lstatSync(join(tree, "home/nonroot")).mode & 0o777],
    [65_532, 0o700],
  );
  assert.deepEqual([image.config.config?.User, image.config.config?.WorkingDir], ["65532", "/home/nonroot"]);
  const root = await assemble("distroless/static");
  assert.equal(root.image.config.config?.User, "0");
  assert.deepEqual(
    root.image.layers,
    image.layers,
    "they differ in how containers start, not in their layer",
  );
  assert.ok(mebibytes(unpackedBytes(tree)) < 2.05, "Google's has 1.99 MiB");
});

test("arm64 is assembled and every library proved", { skip, timeout: 900_000 }, async () => {
  const { image, tree } = await assemble("distroless/cc:slim", "arm64");
  assert.equal(image.config.architecture, "arm64");
  checkBare(tree);
  assert.equal(readFileSync(join(tree, "lib/ld-linux-aarch64.so.1")).readUInt16LE(18), 183);
});

test("a library that is missing is named, with the package that has it", {
  skip,
  timeout: 900_000,
}, async () => {
  const { root, host, snapshots, images } = lab;
  const path = join(work, "broken.yaml");
  writeFileSync(path, "name: broken\npackages: [libssl3, libcurl4]\nignore: [libnghttp2-14]\n");
  const source = openRecipeSource({ root, host, snapshots, images });
  const recipe = await source.read(path, { os: "linux", architecture: "amd64" });
  const before = lab.leftovers();
  await assert.rejects(source.assemble(recipe, parseReference("broken"), { onProgress: () => {} }), {
    code: "RECIPE_INVALID",
    message:
      /libcurl\.so\.4[^"]*" of package libcurl4 needs libnghttp2\.so\.14, which no package of the recipe has.*; add package libnghttp2-14$/,
  });
  assert.deepEqual(lab.leftovers(), before);
});

test("the same lock gives the same digest in another store", { skip, timeout: 900_000 }, async () => {
  const path = join(work, "api.yaml");
  writeFileSync(
    path,
    "name: api\nfrom: distroless/base:slim\npackages: [libpq5]\nusers: [{ name: api, uid: 1000, home: /srv/api }]\nuser: api\n",
  );
  const platform = { os: "linux", architecture: "amd64" };
  const digests: string[] = [];
  const locks: string[] = [];
  await using other = new Lab();
  for (const { root, host, snapshots, images } of [lab, other]) {
    const source = openRecipeSource({ root, host, snapshots, images });
    const recipe = await source.read(path, platform);
    const lock = await source.lock(recipe);
    locks.push(JSON.stringify(lock));
    const image = await source.assemble(recipe, parseReference("api"), { onProgress: () => {}, lock });
    digests.push(image.target.digest);
  }
  assert.equal(digests[0], digests[1]);
  assert.equal(locks[0], locks[1]);
});
