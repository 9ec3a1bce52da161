// Recipes of the user's own, from the command line: what one program loads, layers by rule, a Java cut with jlink, locks.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { whyNoArchive } from "./real-archive.ts";

const hasCompiler = spawnSync("cc", ["--version"]).status === 0;
const skip = whyNoMachine() || (await whyNoArchive());
const skipPrograms = skip || (!hasCompiler && "needs a C compiler");
let clone: Clone;
/** A second machine, as far as the store is one. */
let other: Clone;

before(() => {
  if (skip !== false) return;
  clone = openClone();
  other = openClone();
});

after(() => {
  clone?.[Symbol.dispose]();
  other?.[Symbol.dispose]();
});

function write(name: string, text: string): void {
  writeFileSync(join(clone.folder, name), text);
}

function run(args: readonly string[], from = clone): string {
  const { status, stdout, stderr } = from.run(args, { cwd: clone.folder });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

/** Files and bytes of an image, as a saved archive shows them: name to layer. */
function layersOf(image: string): readonly ReadonlySet<string>[] {
  const folder = join(clone.folder, `saved-${image}`);
  mkdirSync(folder);
  run(["save", "-o", `${folder}.tar`, image]);
  assert.equal(spawnSync("tar", ["-xf", `${folder}.tar`, "-C", folder]).status, 0);
  const [{ Layers }] = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as [
    { readonly Layers: readonly string[] },
  ];
  return Layers.map((layer) => {
    const { stdout } = spawnSync("tar", ["-tf", join(folder, layer)], {
      encoding: "utf8",
      maxBuffer: 64 << 20,
    });
    return new Set(stdout.split("\n").filter((line) => line !== "" && !line.endsWith("/")));
  });
}

test("an image holds what a program loads and nothing else, and the program runs", {
  skip: skipPrograms,
}, () => {
  write(
    "server.c",
    '#include <stdio.h>\nconst char *zlibVersion(void);\nint main() { printf("zlib %s\\n", zlibVersion()); }\n',
  );
  const built = spawnSync("cc", ["-o", "server", "server.c", "-l:libz.so.1"], {
    cwd: clone.folder,
    encoding: "utf8",
  });
  assert.equal(built.status, 0, built.stderr);
  write(
    "closure.yaml",
    'name: closure\nsuite: trixie\nbinaries: [./server]\nfiles: [{ path: /server, source: server, mode: "0755" }]\nentrypoint: [/server]\n',
  );
  run(["recipe", "build", "closure.yaml"]);
  assert.match(run(["run", "--rm", "closure"]), /^zlib 1\./);
  const [files = new Set()] = layersOf("closure");
  const libraries = [...files]
    .filter((path) => /\.so(?:\.\d|$)/.test(path))
    .map((path) => path.replace(/^.*\//, ""));
  assert.deepEqual(
    libraries.filter((name) => !/^(?:ld-linux|libc\.so|libz\.so)/.test(name)),
    [],
    "only the linker, the C library and zlib",
  );
  const { packages } = JSON.parse(run(["sbom", "closure"])) as {
    readonly packages: readonly { readonly name: string }[];
  };
  const named = packages.map(({ name }) => name);
  assert.ok(
    named.includes("libc6") && named.includes("zlib1g") && !named.includes("libgcc-s1"),
    named.join(" "),
  );
});

test("a program of another stage, and one that the suite is too old for", { skip: skipPrograms }, () => {
  write("Dockerfile", "FROM scratch AS build\nCOPY server /out/server\nCOPY server.c /out/server.c\n");
  run(["build", "-q", "-t", "stage:build", "."]);
  write(
    "staged.yaml",
    "name: staged\nsuite: trixie\nbinaries: [{ image: 'stage:build', path: /out/server }]\n",
  );
  run(["recipe", "build", "staged.yaml"]);
  write("text.yaml", "name: text\nbinaries: [{ image: 'stage:build', path: /out/server.c }]\n");
  assert.match(
    clone.run(["recipe", "build", "text.yaml"]).stderr,
    /line 2, column 12: "stage:build:\/out\/server\.c" is no program/,
  );
  write("gone.yaml", "name: gone\nbinaries: [{ image: 'none:build', path: /a }]\n");
  assert.match(clone.run(["recipe", "build", "gone.yaml"]).stderr, /none:build/);
  write("far.yaml", "name: far\nbinaries: [./server]\n");
  assert.match(
    clone.run(["recipe", "build", "--platform", "linux/arm64", "far.yaml"]).stderr,
    /"\.\/server" is for another processor than arm64/,
  );
  assert.doesNotMatch(run(["images"]), /text|gone|far/, "nothing half-made has a name");
});

test("a library that no package has is named, and may be brought along", { skip: skipPrograms }, () => {
  write("own.c", "int own(void) { return 42; }\n");
  write("main.c", "int own(void); int main() { return own() != 42; }\n");
  const soname = "-Wl,-soname,libnowhere.so.9";
  for (const args of [
    ["-shared", "-fPIC", soname, "-o", "libnowhere.so.9", "own.c"],
    ["-o", "main", "main.c", "./libnowhere.so.9"],
  ])
    assert.equal(spawnSync("cc", args, { cwd: clone.folder }).status, 0);
  write("nowhere.yaml", "name: nowhere\nsuite: trixie\nbinaries: [./main]\n");
  assert.match(
    clone.run(["recipe", "build", "nowhere.yaml"]).stderr,
    /cannot find library "libnowhere\.so\.9": no package of Debian trixie has it; put it into the recipe's files/,
  );
  write(
    "nowhere.yaml",
    `name: nowhere
suite: trixie
binaries: [./main]
files:
  - { path: /lib/libnowhere.so.9, source: libnowhere.so.9 }
  - { path: /main, source: main, mode: "0755" }
entrypoint: [/main]
`,
  );
  run(["recipe", "build", "nowhere.yaml"]);
  run(["run", "--rm", "nowhere"]);
});

test("layers by rule: each file in one, the same tree", { skip }, () => {
  const packages = "packages: [libc6, zlib1g]\n";
  write("one.yaml", `name: one\n${packages}`);
  write(
    "three.yaml",
    `name: three\n${packages}layers: [{ packages: [libc6, libgcc*] }, { packages: [tzdata], paths: [/etc/ssl/*] }]\n`,
  );
  for (const name of ["one", "three"]) run(["recipe", "build", `${name}.yaml`]);
  const [one = new Set()] = layersOf("one");
  const three = layersOf("three");
  assert.equal(three.length, 3);
  const [libc, data] = three;
  assert.ok([...(libc ?? [])].some((path) => path.endsWith("/libc.so.6")));
  assert.ok(libc?.has("var/lib/dpkg/status.d/libc6") === true);
  assert.ok(data?.has("etc/ssl/certs/ca-certificates.crt") === true);
  assert.deepEqual(three.flatMap((layer) => [...layer]).sort(), [...one].sort());
});

test("one lock, two clean stores, one digest; another recipe needs another lock", { skip }, () => {
  write(
    "api.yaml",
    "name: api\nfrom: distroless/static:slim\npackages: [netbase]\nlayers: [{ packages: [tzdata] }]\n",
  );
  run(["recipe", "lock", "api.yaml"]);
  const digests = [clone, other].map((each) => run(["recipe", "build", "-q", "api.yaml"], each));
  assert.equal(digests[0], digests[1]);
  assert.match(digests[0] ?? "", /^sha256:[0-9a-f]{64}$/);
  write("api.yaml", "name: api\nfrom: distroless/static:slim\npackages: [netbase, libc6]\n");
  const refused = clone.run(["recipe", "build", "api.yaml"]);
  assert.match(refused.stderr, /its lock is of a time when the recipe did not ask for "libc6"; lock it anew/);
  assert.equal(refused.status, 1);
});

test("a lock is not taken back, and what Debian has mended since is listed", { skip }, () => {
  write("old.yaml", "name: old\nfrom: distroless/static:slim\n");
  run(["recipe", "lock", "old.yaml"]);
  const path = join(clone.folder, "old.lock.json");
  const lock = readFileSync(path, "utf8");
  const tzdata = /("name": "tzdata",\s*"version": )"[^"]*"([^}]*"sha256": )"[0-9a-f]{64}"/;
  const set = (version: string) =>
    writeFileSync(path, lock.replace(tzdata, `$1"${version}"$2"${"0".repeat(64)}"`));
  set("9999z-1");
  const refused = clone.run(["recipe", "lock", "old.yaml"]);
  assert.equal(refused.status, 1);
  assert.match(
    refused.stderr,
    /the archive has tzdata \S+, older than 9999z-1 in the lock; remove the lock file to accept it/,
  );
  set("2000a-1");
  const outdated = clone.run(["recipe", "outdated", "old.yaml"]);
  assert.equal(outdated.status, 1, outdated.stderr);
  assert.match(outdated.stdout, /^tzdata\s+2000a-1\s+\S+\s+newer$/m);
  assert.equal(clone.run(["recipe", "outdated", "distroless/static"]).status, 125);
  // A lock whose digest is not the archive's.
  writeFileSync(path, lock.replace(/("sha256": ")[0-9a-f]{64}/, `$1${"0".repeat(64)}`));
  const wrong = other.run(["recipe", "build", "old.yaml"], { cwd: clone.folder });
  assert.match(wrong.stderr, /its bytes are not those that the signed package list names/);
  assert.doesNotMatch(run(["images"], other), /old/);
});

test("kept packages have a size, a limit and an end", { skip }, () => {
  const pool = join(clone.root, "packages/pool");
  const kept = () => readdirSync(pool).reduce((sum, name) => sum + statSync(join(pool, name)).size, 0);
  assert.ok(kept() > 1_000_000);
  assert.match(
    run(["recipe", "prune", "--keep-storage", "1MB"]),
    /^Removed \d+ packages, [\d.]+MB; kept \d+, [\d.]+[kM]B$/,
  );
  assert.ok(kept() <= 1 << 20);
  assert.match(run(["recipe", "prune"]), /kept 0, 0B$/);
  write("limited.yaml", "name: limited\npackages: [libc6]\n");
  const limited = clone.run(["recipe", "build", "limited.yaml"], {
    env: { LIGHTER_PACKAGE_CACHE_LIMIT: "300kB" },
  });
  assert.equal(limited.status, 0, limited.stderr);
  assert.ok(kept() <= 300 << 10 && existsSync(pool));
});

for (const [suite, number] of [
  ["bookworm", "12"],
  ["trixie", "13"],
] as const)
  for (const architecture of ["amd64", "arm64"])
    test(`the light recipes of ${suite} for ${architecture}, every library proved`, { skip }, () => {
      for (const name of ["static:debug-nonroot", "base-nossl:slim", "base:latest", "cc:slim"]) {
        const image = `distroless/${name.replace(":", `-debian${number}:`)}`;
        run(["recipe", "build", "-q", "--platform", `linux/${architecture}`, image]);
        const [config] = JSON.parse(run(["image", "inspect", image])) as [{ readonly Architecture: string }];
        assert.equal(config.Architecture, architecture, image);
      }
    });
