import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseReference } from "#oci";
import { type FakePackage, makeArchive, makeKey } from "./fake-archive.ts";
import { FakeMirror, Lab } from "./lab.ts";

const skip = process.geteuid?.() !== 0 && "unpacking packages with their owners needs root";
const key = await makeKey("Test Archive");
const date = new Date("2026-11-19T00:00:00Z");
const directory = { kind: "directory" } as const;

/** A small Debian: what the assembly reads of base-passwd, libc-bin and the like, and packages with scripts. */
const packages: readonly FakePackage[] = [
  {
    name: "base",
    fields: { Essential: "yes", "Multi-Arch": "same" },
    control: { "./triggers": "interest-noawait /usr/share/things\ninterest ldconfig\n", "./md5sums": "" },
    files: {
      "./bin/": directory,
      "./bin/sh": { text: "#!", mode: 0o755 },
      "./var/run/": directory,
      "./usr/share/base-passwd/passwd.master":
        "root:*:0:0:root:/root:/bin/bash\n_apt:*:42:65534::/nonexistent:/x\n",
      "./usr/share/base-passwd/group.master": "root:*:0:\nshadow:*:42:\n",
    },
  },
  {
    name: "app",
    version: "1:2.0-3",
    fields: { Depends: "base, editor" },
    control: {
      "./conffiles": "/etc/app.conf\n",
      "./postinst": "#!/bin/sh\nupdate-alternatives --install /usr/bin/ed ed \\\n /usr/bin/app-ed 20\n",
    },
    files: {
      "./etc/": directory,
      "./etc/app.conf": "key = value\n",
      "./usr/bin/": { kind: "directory" },
      "./usr/bin/app-ed": { text: "ed", mode: 0o755 },
      "./usr/bin/app-suid": { text: "su", mode: 0o4755 },
      "./usr/bin/app-hard": { kind: "hardlink", linkPath: "./usr/bin/app-ed", mode: 0o755 },
      "./usr/share/doc/app/copyright": "free",
      "./usr/share/doc/app/changelog": "long",
      "./var/mine/": { kind: "directory", mode: 0o2750, gid: 42 },
    },
  },
  { name: "vi", fields: { Provides: "editor" }, files: { "./usr/bin/vi": { text: "vi", mode: 0o755 } } },
];

const archive = await makeArchive(packages, { key, date });

test("an image from packages, told by dpkg's database and by its files", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(archive);
  const image = await lab.assemble(mirror.url, { key });
  const tree = await lab.tree(image);
  const read = (path: string) => readFileSync(join(tree, path), "utf8");
  const mode = (path: string) => (lstatSync(join(tree, path)).mode & 0o7777).toString(8);

  assert.equal(read("var/lib/dpkg/status").match(/^Status: install ok installed$/gm)?.length, 3);
  assert.match(
    read("var/lib/dpkg/status"),
    /^Conffiles:\n \/etc\/app\.conf 1c45f0a2f7c6a0ac56ff5ba4da09f3ba$|^Conffiles:\n \/etc\/app\.conf [0-9a-f]{32}$/m,
  );
  assert.equal(read("var/lib/dpkg/info/format"), "1\n");
  assert.equal(read("var/lib/dpkg/arch"), "amd64\n");
  assert.equal(read("var/lib/dpkg/triggers/File"), "/usr/share/things base:amd64/noawait\n");
  assert.equal(read("var/lib/dpkg/triggers/ldconfig"), "base:amd64\n");
  assert.match(read("var/lib/dpkg/info/app.list"), /^\/\.\n\/etc\n\/etc\/app\.conf\n/);
  assert.equal(mode("var/lib/dpkg/info/app.postinst"), "644");
  assert.ok(readdirSync(join(tree, "var/lib/dpkg/info")).includes("base:amd64.md5sums"));

  assert.equal(readlinkSync(join(tree, "usr/bin/ed")), "/etc/alternatives/ed");
  assert.equal(readlinkSync(join(tree, "etc/alternatives/ed")), "/usr/bin/app-ed");
  assert.equal(read("var/lib/dpkg/alternatives/ed"), "auto\n/usr/bin/ed\n\n/usr/bin/app-ed\n20\n\n");

  assert.equal(readlinkSync(join(tree, "bin")), "usr/bin");
  assert.equal(readlinkSync(join(tree, "var/run")), "/run");
  assert.ok(lstatSync(join(tree, "usr/bin/sh")).isFile());
  assert.equal(mode("usr/bin/app-suid"), "4755");
  assert.equal(lstatSync(join(tree, "usr/bin/app-hard")).ino, lstatSync(join(tree, "usr/bin/app-ed")).ino);
  assert.equal(mode("var/mine"), "2750");
  assert.equal(lstatSync(join(tree, "var/mine")).gid, 42);
  assert.equal(mode("tmp"), "1777");
  assert.equal(mode("etc/shadow"), "640");
  assert.equal(read("etc/passwd"), "root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:/x\n");
  assert.match(read("etc/shadow"), /^root:\*:19675:0:99999:7:::$/m);
});

test("the image's config, history and origin", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(archive);
  const image = await lab.assemble(mirror.url, {
    key,
    definition: { workingDir: "/work", env: [{ name: "APP_VERSION", versionOf: "app" }] },
  });
  const { config, created, history, architecture, rootfs } = image.config;
  assert.deepEqual(config, { Env: ["APP_VERSION=2.0"], Cmd: ["app"], WorkingDir: "/work" });
  assert.deepEqual([created, architecture, rootfs.diff_ids.length], ["2023-11-14T22:13:20Z", "amd64", 1]);
  assert.deepEqual(history, [
    {
      created: "2023-11-14T22:13:20Z",
      created_by: "lighter: 3 packages",
      comment: "assembled from Debian test (recipe app)",
    },
  ]);
  assert.deepEqual(image.origin, {
    kind: "recipe",
    recipe: "app",
    description: "assembled from Debian test (recipe app)",
  });
  assert.deepEqual(lab.images.find("app:1")?.target.digest, image.target.digest);
});

test("equal packages give an equal digest in any store, whatever the order of downloads and the day", {
  skip,
}, async () => {
  const digests: string[] = [];
  for (const [delayMs, day] of [
    [0, "2026-11-19"],
    [30, "2026-11-20"],
  ] as const) {
    await using lab = new Lab();
    await using mirror = await FakeMirror.open(await makeArchive(packages, { key, date: new Date(day) }));
    mirror.answer = (request, response, body) => {
      if (!request.url?.includes("app_")) return false;
      setTimeout(() => response.end(body), delayMs);
      return true;
    };
    digests.push((await lab.assemble(mirror.url, { key })).target.digest);
  }
  assert.equal(digests[0], digests[1]);
});

test("a slim image leaves out what its rules say, and tells dpkg", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(archive);
  const pathRules = { exclude: ["/usr/share/doc/*"], include: ["/usr/share/doc/*/copyright"] };
  const tree = await lab.tree(await lab.assemble(mirror.url, { key, definition: { pathRules } }));
  assert.deepEqual(readdirSync(join(tree, "usr/share/doc/app")), ["copyright"]);
  assert.match(
    readFileSync(join(tree, "etc/dpkg/dpkg.cfg.d/docker"), "utf8"),
    /^path-exclude=\/usr\/share\/doc\/\*\npath-include=/m,
  );
});

test("names with no recipe", { skip }, async () => {
  await using lab = new Lab();
  const { openRecipeSource } = await import("#distroless");
  const source = openRecipeSource({
    root: lab.root,
    host: lab.host,
    snapshots: lab.snapshots,
    images: lab.images,
  });
  const find = (name: string, architecture = "amd64") =>
    source.find(parseReference(name), { os: "linux", architecture })?.description;
  assert.equal(find("golang:1.19"), "assembled from Debian bookworm (recipe golang)");
  assert.equal(find("golang:1.24"), "assembled from Debian trixie (recipe golang)");
  assert.equal(find("golang:1.19.8-bookworm"), "assembled from Debian bookworm (recipe golang)");
  assert.equal(find("debian"), "assembled from Debian trixie (recipe debian)");
  assert.equal(find("debian:12-slim"), "assembled from Debian bookworm (recipe debian-slim)");
  for (const name of [
    "golang",
    "golang:1.20",
    "golang:1.19-trixie",
    "golang:1.19-alpine",
    "debian:sid",
    "debian:bookwormslim",
    "ghcr.io/library/debian:12",
    "me/debian:12",
    `debian@sha256:${"0".repeat(64)}`,
  ])
    assert.equal(find(name), undefined, name);
  assert.equal(find("debian:12", "mips"), undefined);
});

test("a tag that promises more than Debian has", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(archive);
  await assert.rejects(
    lab.assemble(mirror.url, { key, definition: { suiteTags: { suite: "testing", tags: ["1"] } } }),
    {
      code: "RECIPE_INVALID",
      message:
        /cannot assemble "app:1": Debian test is now "stable", not "testing"; name the release instead/,
    },
  );
});

test("two assemblies at once do the work once", { skip }, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(archive);
  const [one, two] = await Promise.all([
    lab.assemble(mirror.url, { key }),
    lab.assemble(mirror.url, { key }),
  ]);
  assert.equal(one.target.digest, two.target.digest);
  assert.equal(mirror.requests.filter((path) => path.includes("pool/app_")).length, 1);
});

test("dpkg and its tools agree with the database", {
  skip: skip || (spawnSync("dpkg", ["--version"]).status !== 0 && "dpkg is not installed"),
}, async () => {
  await using lab = new Lab();
  await using mirror = await FakeMirror.open(archive);
  const tree = await lab.tree(await lab.assemble(mirror.url, { key }));
  const run = (program: string, ...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  assert.equal(run("dpkg", `--root=${tree}`, "--audit"), "");
  assert.equal(
    run(
      "dpkg-query",
      `--root=${tree}`,
      "-W",
      "-f",
      "${binary:Package}=${Version} ${db:Status-Abbrev}\\n",
      "app",
    ),
    "app=1:2.0-3 ii \n",
  );
  assert.match(run("dpkg", `--root=${tree}`, "-S", "/usr/bin/vi"), /^vi: \/usr\/bin\/vi/);
  assert.match(
    run(
      "update-alternatives",
      "--admindir",
      join(tree, "var/lib/dpkg/alternatives"),
      "--altdir",
      join(tree, "etc/alternatives"),
      "--root",
      tree,
      "--query",
      "ed",
    ).toString(),
    /Value: \/usr\/bin\/app-ed/,
  );
});

test("killed at any moment, nothing half-made stands under a name and the next run finishes", {
  skip,
}, async () => {
  await using mirror = await FakeMirror.open(archive);
  await using lab = new Lab();
  const child = join(process.cwd(), ".build", `recipe-child-${process.pid}.mjs`);
  const { build } = await import("esbuild");
  await build({
    entryPoints: ["test/distroless/assemble-child.ts"],
    outfile: child,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    conditions: ["source"],
    logLevel: "error",
  });
  const { rmSync } = await import("node:fs");
  try {
    let finished = 0;
    // On a busy machine a run takes longer than the steps reach: they grow until two have lived to their end.
    for (let delayMs = 20; delayMs < 60_000 && finished < 2; delayMs += delayMs < 1500 ? 60 : 1000) {
      const running = spawn(process.execPath, [child, lab.root, mirror.url, key.archiveKey.base64], {
        stdio: "ignore",
      });
      const timer = setTimeout(() => running.kill("SIGKILL"), delayMs);
      const signal = await new Promise((resolve) => running.once("exit", (_, name) => resolve(name)));
      clearTimeout(timer);
      if (signal === null) finished += 1;
      assert.deepEqual(await new Lab(lab.root).images.check(), []);
    }
    assert.ok(finished > 0, "no run lived to its end");
    const image = await lab.assemble(mirror.url, { key });
    await using clean = new Lab();
    assert.equal(image.target.digest, (await clean.assemble(mirror.url, { key })).target.digest);
    assert.deepEqual(await lab.images.check(), []);
  } finally {
    rmSync(child, { force: true });
  }
});
