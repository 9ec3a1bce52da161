// Where a build takes its files from, seen from the command line.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { writeFiles } from "./lab.ts";

const skip = whyNoMachine();
const dockerfile = "FROM scratch\nCOPY a /\n";

let clone: Clone;
let server: Server;
let address = "";

before(async () => {
  clone = openClone();
  const served = join(clone.folder, "served");
  server = createServer((request, response) => {
    try {
      const { pathname } = new URL(request.url ?? "/", "http://x");
      if (pathname.startsWith("/moved/")) response.writeHead(302, { location: elsewhere() }).end();
      else if (pathname.startsWith("/who/")) response.end(request.headers.authorization ?? "nobody");
      else response.end(readFileSync(join(served, pathname)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  makeContext("tree", { Dockerfile: dockerfile, a: "A", ".dockerignore": "a\n" });
  mkdirSync(served);
  execFileSync("tar", ["-C", "tree", "--owner=5", "--group=6", "-czf", "served/tree.tar.gz", "."], {
    cwd: clone.folder,
  });
  writeFileSync(join(served, "Remote"), "FROM scratch\nCOPY context /from-web\n");
  makeRepository(served);
});
/** The same server by another name. */
function elsewhere(): string {
  return `${address.replace("127.0.0.1", "localhost")}/who/am%2Fi`;
}

after(() => {
  server.close();
  clone[Symbol.dispose]();
});

function makeContext(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(clone.folder, name);
  mkdirSync(path, { recursive: true });
  writeFiles(path, files);
  return path;
}

function makeRepository(served: string): void {
  const work = makeContext("repository", { Dockerfile: dockerfile, a: "main", "sub/Dockerfile": dockerfile });
  writeFileSync(join(work, "sub/a"), "sub");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: work,
      stdio: "ignore",
    });
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-qm", "1");
  git("checkout", "-qb", "other");
  writeFileSync(join(work, "a"), "other");
  git("commit", "-qam", "2");
  git("checkout", "-q", "main");
  git("clone", "-q", "--bare", ".", join(served, "x.git"));
  execFileSync("git", ["--git-dir", join(served, "x.git"), "update-server-info"]);
}

/** What a build leaves in a directory: path to content. */
function build(args: readonly string[], input?: string | Uint8Array): Record<string, string> {
  const out = join(clone.folder, "out");
  spawnSync("rm", ["-rf", out]);
  // The server lives in this process, so the build must not block it.
  const { status, stderr } = clone.run(["build", "--progress", "plain", "-o", out, ...args], {
    ...(input !== undefined && { input }),
  });
  assert.equal(status, 0, stderr);
  return contents(out);
}

/** The same, while the server answers. */
async function buildRemote(args: readonly string[]): Promise<Record<string, string>> {
  const out = join(clone.folder, "out");
  spawnSync("rm", ["-rf", out]);
  const { code, output } = await run(["build", "--progress", "plain", "-o", out, ...args]);
  assert.equal(code, 0, output);
  return contents(out);
}

async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = clone.start(args, { env });
  let output = "";
  child.stdout?.on("data", (chunk) => (output += String(chunk)));
  child.stderr?.on("data", (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, output };
}

function contents(directory: string): Record<string, string> {
  const files = execFileSync("find", [".", "-type", "f"], { cwd: directory, encoding: "utf8" });
  return Object.fromEntries(
    files
      .split("\n")
      .filter((path) => path !== "")
      .sort()
      .map((path) => [path.slice(2), readFileSync(join(directory, path), "utf8")]),
  );
}

describe("the main context", { skip }, () => {
  test("a directory, with its ignore file and one beside the Dockerfile", () => {
    const path = makeContext("plain", { Dockerfile: dockerfile, a: "A", b: "B", ".dockerignore": "b\n" });
    assert.deepEqual(build([path]), { a: "A" });
    writeFileSync(join(path, "All"), "FROM scratch\nCOPY . /\n");
    writeFileSync(join(path, "All.dockerignore"), "*\n!b\n");
    assert.deepEqual(build(["-f", join(path, "All"), path]), { b: "B" });
  });

  test("a Dockerfile on stdin, with a directory and alone", () => {
    const path = makeContext("beside", { a: "A" });
    assert.deepEqual(build(["-f", "-", path], dockerfile), { a: "A" });
    const text = "FROM scratch\nCOPY <<x /y\nhere\nx\nCOPY . /z\n";
    assert.deepEqual(build(["-"], text), { y: "here\n" });
  });

  for (const compress of ["cat", "gzip", "bzip2", "xz", "zstd"])
    test(`an archive on stdin through ${compress}; its ignore file does not count`, (t) => {
      const archive = execFileSync("tar", ["-C", join(clone.folder, "tree"), "-c", "."]);
      const { status, stdout } = spawnSync(compress, { input: archive });
      if (status !== 0) return t.skip(`needs ${compress}`);
      assert.deepEqual(build(["-"], stdout), { a: "A" });
    });

  test("a Dockerfile elsewhere in the archive, and one of this machine", () => {
    const path = makeContext("deep", { "d/Other": "FROM scratch\nCOPY a /other\n", a: "A" });
    const archive = execFileSync("tar", ["-C", path, "-c", "."]);
    assert.deepEqual(build(["-f", "d/Other", "-"], archive), { other: "A" });
    const own = join(clone.folder, "Own");
    writeFileSync(own, "FROM scratch\nCOPY a /own\n");
    assert.deepEqual(build(["-f", own, "-"], archive), { own: "A" });
  });

  test("a repository: branch, directory, the query form", async () => {
    assert.deepEqual(await buildRemote([`${address}/x.git`]), { a: "main" });
    assert.deepEqual(await buildRemote([`${address}/x.git#other`]), { a: "other" });
    assert.deepEqual(await buildRemote([`${address}/x.git#main:sub`]), { a: "sub" });
    assert.deepEqual(await buildRemote([`${address}/x.git?branch=other`]), { a: "other" });
    assert.deepEqual(await buildRemote([`${address}/x.git?branch=other`]), { a: "other" });
    assert.deepEqual(await buildRemote([`${address}/x.git#heads/other`]), { a: "other" });
    assert.deepEqual(await buildRemote(["-f", "sub/Dockerfile", `${address}/x.git`]), { a: "main" });
    const first = execFileSync("git", ["rev-parse", "other~1"], { cwd: join(clone.folder, "repository") });
    assert.deepEqual(await buildRemote([`${address}/x.git?commit=${first.toString().trim()}`]), {
      a: "main",
    });
    const named = `ref=${first.toString().trim()}&checksum=${first.toString().slice(0, 12)}`;
    assert.deepEqual(
      await buildRemote([`${address}/x.git?${named}&fetch-by-commit=true`]),
      await buildRemote([`${address}/x.git?${named}`]),
    );
    const file = await run(["build", `${address}/x.git#main:sub/a`]);
    assert.match(file.output, /invalid subdir \/sub\/a: "sub\/a" is no directory/);
  });

  test("ADD from the web: the name of the file, a name and a password, which another place is not told", async () => {
    const path = makeContext("web", {});
    const own = address.replace("//", "//us:p%40ss@");
    const add = (url: string) => {
      writeFileSync(join(path, "Dockerfile"), `FROM scratch\nADD ${url} /o/\n`);
      return buildRemote([path]);
    };
    const basic = `Basic ${Buffer.from("us:p@ss").toString("base64")}`;
    assert.deepEqual(await add(`${own}/who/a%20b%2Fc.txt?x#y`), { "o/c.txt": basic });
    assert.deepEqual(await add(`${address}/who/`), { "o/who": "nobody" });
    assert.deepEqual(await add(`${own}/moved/x`), { "o/x": "nobody" });
  });

  test("a repository and a file of the web come by a proxy", async () => {
    const path = makeContext("proxied", {
      Dockerfile: "FROM scratch\nADD http://git.test/x.git#other /r\nADD http://web.test/who/me /w\n",
    });
    const out = join(clone.folder, "proxied-out");
    const { code, output } = await run(["build", "-o", out, path], { http_proxy: address });
    assert.equal(code, 0, output);
    assert.deepEqual(contents(out), {
      "r/Dockerfile": dockerfile,
      "r/a": "other",
      "r/sub/Dockerfile": dockerfile,
      "r/sub/a": "sub",
      w: "nobody",
    });
  });

  test("a Dockerfile that is a link out of its context is not read", () => {
    const path = makeContext("linked", { a: "A" });
    writeFileSync(join(clone.folder, "outside"), "secret words\n");
    symlinkSync("../outside", join(path, "Dockerfile"));
    symlinkSync("..", join(path, "up"));
    for (const named of [[], ["-f", join(path, "Dockerfile")], ["-f", join(path, "up/outside")]]) {
      const { status, stderr } = clone.run(["build", ...named, path]);
      assert.equal(status, 1);
      assert.match(stderr, /it is a link out of the build context/);
      assert.doesNotMatch(stderr, /secret/);
    }
  });

  test("the web: an archive, a Dockerfile, a Dockerfile beside a directory", async () => {
    assert.deepEqual(await buildRemote([`${address}/tree.tar.gz`]), { a: "A" });
    const text = "FROM scratch\nCOPY context /from-web\n";
    assert.deepEqual(await buildRemote([`${address}/Remote`]), { "from-web": text });
    const path = makeContext("with", { context: "C" });
    assert.deepEqual(await buildRemote(["-f", `${address}/Remote`, path]), { "from-web": "C" });
  });

  test("the owners of an archive stay, those of a directory are root", async () => {
    const list = async (...args: string[]) => {
      const archive = join(clone.folder, "out.tar");
      const { code, output } = await run(["build", "-o", `type=tar,dest=${archive}`, ...args]);
      assert.equal(code, 0, output);
      return execFileSync("tar", ["--numeric-owner", "-tvf", archive, "a"], { encoding: "utf8" });
    };
    assert.match(await list(`${address}/tree.tar.gz`), / 5\/6 /);
    assert.match(await list(makeContext("owned", { Dockerfile: dockerfile, a: "A" })), / 0\/0 /);
  });

  for (const [name, args, input, words] of [
    ["nothing", ["-"], "", /it is empty/],
    ["two Dockerfiles", ["-f", "x", "-"], dockerfile, /give one of them/],
    ["both from stdin", ["-f", "-", "-"], dockerfile, /both the context and the Dockerfile/],
    ["an absent directory", ["none"], "", /cannot use build context ".*none": no such directory/],
    ["a truncated archive", ["-"], "truncated", /cannot|unexpected|Dockerfile|parse/],
  ] as const)
    test(`${name} is refused in one sentence`, () => {
      const { status, stderr } = clone.run(["build", ...args], { input });
      assert.equal(status, 1);
      assert.match(stderr, words);
    });

  test("a file that should be a directory is no path", () => {
    const path = makeContext("file", { Dockerfile: "FROM scratch\nCOPY a/b /\n", a: "A" });
    const { status, stderr } = clone.run(["build", path]);
    assert.equal(status, 1);
    assert.match(stderr, /"\/a\/b": not found/);
  });

  test("an image ID of a tree is refused, an old one goes before a build", () => {
    const file = join(clone.folder, "iid");
    writeFileSync(file, "old");
    const path = makeContext("failing", { Dockerfile: "FROM scratch\nCOPY none /\n" });
    assert.equal(clone.run(["build", "--iidfile", file, path]).status, 1);
    assert.equal(existsSync(file), false);
    const { stderr } = clone.run(["build", "--iidfile", file, "-o", "out", path]);
    assert.match(stderr, /local and tar exporters are incompatible with image ID file/);
  });

  test("what the server does not have is said", async () => {
    const { code, output } = await run(["build", `${address}/none.tar`]);
    assert.equal(code, 1);
    assert.match(output, /cannot fetch ".*none.tar": invalid response status 404/);
    const missing = await run(["build", `${address}/x.git#none`]);
    assert.match(missing.output, /does not contain ref none/);
  });
});

describe("named contexts", { skip }, () => {
  test("a directory with an ignore file of its own: FROM, COPY --from, RUN --mount, a stage of the name", () => {
    const lib = makeContext("lib", { a: "L", b: "B", ".dockerignore": "b\n" });
    const context = makeContext("named", {});
    copyFileSync("/bin/busybox", join(context, "busybox"));
    const text = `FROM scratch AS lib
COPY missing /
FROM lib AS whole
FROM scratch AS tool
COPY busybox /bin/busybox
COPY busybox /bin/sh
RUN --mount=from=lib,target=/m busybox cat /m/a >/from-mount && ! busybox test -e /m/b
FROM scratch
COPY --from=whole a /from-stage
COPY --from=lib a /from-copy
COPY --from=tool /from-mount /
`;
    assert.deepEqual(build(["-f", "-", "--build-context", `lib=${lib}`, context], text), {
      "from-copy": "L",
      "from-mount": "L",
      "from-stage": "L",
    });
  });

  test("images: of the store, of a layout by tag and by digest", () => {
    const path = makeContext("imaged", { a: "I" });
    const made = clone.run(["build", "-f", "-", "-t", "made", path], { input: dockerfile });
    assert.equal(made.status, 0, made.stderr);
    const saved = clone.run(["image", "copy", "store:made", `oci:${join(clone.folder, "layout")}:v1`]);
    assert.equal(saved.status, 0, saved.stderr);
    const index = JSON.parse(readFileSync(join(clone.folder, "layout/index.json"), "utf8"));
    const text = "FROM nowhere.invalid/base AS x\nFROM scratch\nCOPY --from=x a /\n";
    for (const place of [
      "docker-image://made",
      `oci-layout://${clone.folder}/layout`,
      `oci-layout://${clone.folder}/layout:v1`,
      `oci-layout://${clone.folder}/layout@${index.manifests[0].digest}`,
    ])
      assert.deepEqual(
        build(["--build-context", `nowhere.invalid/base=${place}`, "-"], text),
        { a: "I" },
        place,
      );
  });

  test("a layout that a build wrote, by tag and by name", () => {
    const layout = join(clone.folder, "written");
    const path = makeContext("to-layout", { Dockerfile: dockerfile, a: "W" });
    const args = [
      "build",
      "-o",
      `type=oci,tar=false,dest=${layout}`,
      "-t",
      "made/w:v2",
      "--cache-from",
      "",
      path,
    ];
    const made = clone.run(args);
    assert.equal(made.status, 0, made.stderr);
    const [row] = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")).manifests;
    assert.equal(row.annotations["org.opencontainers.image.ref.name"], "v2");
    const text = "FROM scratch\nCOPY --from=x a /\n";
    assert.deepEqual(build(["--build-context", `x=oci-layout://${layout}:v2`, "-"], text), { a: "W" });
    const copied = clone.run(["image", "copy", `oci:${layout}:made/w:v2`, "store:copied"]);
    assert.equal(copied.status, 0, copied.stderr);
  });

  test("a repository and a file from the web", async () => {
    const text = "FROM scratch\nCOPY --from=r a /r\nCOPY --from=w context /w\n";
    const path = makeContext("remote-names", { Dockerfile: text });
    const contexts = [`r=${address}/x.git#other`, `w=${address}/Remote`];
    assert.deepEqual(await buildRemote([...contexts.flatMap((one) => ["--build-context", one]), path]), {
      r: "other",
      w: "FROM scratch\nCOPY context /from-web\n",
    });
  });

  test("an absent one is refused before anything runs", () => {
    const { status, stderr } = clone.run(["build", "--build-context", "x=none", "."]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /cannot use build context "x=none": no such directory; a context is a directory, docker-image/,
    );
  });
});
