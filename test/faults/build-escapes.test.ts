// The ways out of a build that were found in other builders, each by its name: a Dockerfile, its context and what it adds
// are hostile, and nothing of this machine is read, written or removed through them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { type Clone, type Outcome, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
const secret = "only this machine knows";

test("CVE-2024-21626: a working directory below /proc/self/fd is not this machine's", { skip }, () => {
  using clone = openClone();
  using outside = makeOutside();
  const depth = "../".repeat(12);
  for (const fd of [3, 5, 6, 7, 8, 9, 10, 12]) {
    const { status, stdout } = build(
      clone,
      `WORKDIR /proc/self/fd/${fd}\nRUN cat ${depth}${outside.folder.slice(1)}/secret; echo x > ${depth}${outside.folder.slice(1)}/written`,
    );
    // Either the runtime refuses the directory or the step runs in a place that has nothing of ours.
    assert.doesNotMatch(stdout, new RegExp(secret));
    assert.ok(status === 0 || status === 1);
    outside.assertUntouched();
  }
  const linked = build(
    clone,
    `RUN ln -s /proc/self/fd/7 /cwd\nWORKDIR /cwd\nRUN ! cat ${depth}${outside.folder.slice(1)}/secret`,
  );
  assert.doesNotMatch(linked.stdout + linked.stderr, new RegExp(secret));
  outside.assertUntouched();
});

test("CVE-2024-23651: a cache mount's source that became a link does not mount this machine", {
  skip,
}, () => {
  using clone = openClone();
  using outside = makeOutside();
  const planted = build(
    clone,
    `RUN --mount=type=cache,id=race,target=/c mkdir -p /c/a && ln -s ${outside.folder} /c/direct && ln -s / /c/root && ln -s ../../../../../../../../../../.. /c/a/up`,
  );
  assert.equal(planted.status, 0, planted.stderr);
  for (const source of ["direct", "root", "a/up", `root${outside.folder}`, `a/up${outside.folder}`]) {
    const step = build(
      clone,
      `RUN --mount=type=cache,id=race,source=${source},target=/m cat /m/secret /m${outside.folder}/secret; ls /m; touch /m/written; true`,
    );
    assert.doesNotMatch(step.stdout, new RegExp(secret), source);
    outside.assertUntouched();
  }
  // The race itself: one step swaps the directory for a link and back while others mount it.
  const swap = `RUN --mount=type=cache,id=swap,target=/c mkdir -p /c/dir && ln -sfn ${outside.folder} /c/link && for i in $(seq 300); do mv /c/dir /c/held && mv /c/link /c/dir; mv /c/dir /c/link && mv /c/held /c/dir; done`;
  const mount = (name: string) =>
    `FROM base AS ${name}\n${Array.from({ length: 6 }, (_, at) => `RUN --mount=type=cache,id=swap,source=dir,target=/m cat /m/secret; echo ${name}${at} > /m/written; true`).join("\n")}`;
  const raced = buildWhole(
    clone,
    `FROM scratch AS base\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nRUN --mount=type=cache,id=swap,target=/c mkdir -p /c/dir\nFROM base AS swap\n${swap}\n${mount("one")}\n${mount("two")}\nFROM base\nCOPY --from=swap /bin/true /1\nCOPY --from=one /bin/true /2\nCOPY --from=two /bin/true /3\n`,
  );
  assert.doesNotMatch(raced.stdout, new RegExp(secret));
  outside.assertUntouched();
});

test("CVE-2024-23652: removing a mount's stub follows no link that the step left", { skip }, () => {
  using clone = openClone();
  using outside = makeOutside();
  for (const type of ["cache", "tmpfs", "bind,from=base", "secret,id=none,required=false"]) {
    const step = build(
      clone,
      `RUN --mount=type=${type},target=/mnt/sub/stub umount /mnt/sub/stub; mv /mnt/sub /mnt/gone; rm -rf /mnt; ln -s ${outside.folder} /mnt; true`,
    );
    assert.equal(step.status, 0, step.stderr);
    outside.assertUntouched();
    const moved = build(
      clone,
      `RUN --mount=type=${type},target=/a/b/stub mv /a/b /elsewhere; mv /a /old; ln -s ${outside.folder} /a; true`,
    );
    assert.equal(moved.status, 0, moved.stderr);
    outside.assertUntouched();
  }
});

test("CVE-2024-23653: neither a step nor a frontend gets more than the user allowed", { skip }, () => {
  using clone = openClone();
  const refused = build(clone, "RUN --security=insecure true", "# syntax=docker/dockerfile:1-labs\n");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /security\.insecure|not allowed|--allow/);
  // A frontend named by the Dockerfile is never fetched or run: the Dockerfile is read as the language it is.
  const foreign = build(clone, "RUN true", "# syntax=localhost:1/evil/frontend:1\n");
  assert.equal(foreign.status, 0, foreign.stderr);
  const capabilities = build(
    clone,
    "RUN echo n=$RANDOM; grep CapEff /proc/self/status; mount -t tmpfs none /mnt",
  );
  assert.equal(capabilities.status, 1, capabilities.stdout);
  assert.match(capabilities.stdout + capabilities.stderr, /CapEff:\s+00000000a80425fb/);
});

test("kaniko: RUN sees neither this machine's files, processes and environment nor the store", {
  skip,
}, () => {
  using clone = openClone();
  using outside = makeOutside();
  const step = build(
    clone,
    `RUN env; ls / /proc; cat ${outside.folder}/secret ${clone.root}/index.json; ls /proc/1/root${outside.folder}; kill -9 -1; kill -9 1; echo step=$$; touch /dev/written; true`,
    "",
    { BUILDER_TOKEN: secret },
  );
  assert.doesNotMatch(step.stdout, new RegExp(secret));
  // What the step wrote is what was looked at.
  assert.match(step.stdout, /PATH=/);
  assert.doesNotMatch(step.stdout, /BUILDER_TOKEN|LIGHTER_ROOT/);
  assert.doesNotMatch(step.stdout, /manifests/);
  outside.assertUntouched();
});

test("links in contexts and stages reach nothing outside them", { skip }, () => {
  using clone = openClone();
  using outside = makeOutside();
  symlinkSync(outside.folder, join(clone.folder, "link"));
  symlinkSync(join(outside.folder, "secret"), join(clone.folder, "file"));
  symlinkSync(`${"../".repeat(20)}${outside.folder.slice(1)}`, join(clone.folder, "up"));
  for (const source of ["link/secret", "up/secret", `${"../".repeat(20)}${outside.folder.slice(1)}/secret`]) {
    const copy = buildWhole(clone, `FROM scratch\nCOPY ${source} /stolen\n`);
    assert.equal(copy.status, 1, `${source}: ${copy.stdout}`);
    assert.match(copy.stderr, /not found/);
  }
  const kept = buildWhole(clone, "FROM scratch\nCOPY file link /kept/\n", ["-o", join(clone.folder, "out")]);
  // Named links are followed inside the context, where their targets do not exist.
  assert.equal(kept.status, 1);
  assert.match(kept.stderr, /not found/);
  const written = build(
    clone,
    `RUN ln -s ${outside.folder} /out && ln -s ${"../".repeat(20)}${outside.folder.slice(1)} /up && ln -s ${outside.folder}/secret /file\nCOPY busybox /out/written\nCOPY busybox /up/written\nCOPY busybox /file\nADD busybox /out/sub/written`,
  );
  assert.equal(written.status, 0, written.stderr);
  outside.assertUntouched();
  for (const mount of [`type=bind,source=link,target=/m`, `type=bind,source=up,target=/m`]) {
    const step = build(clone, `RUN --mount=${mount} cat /m/secret; true`);
    assert.doesNotMatch(step.stdout, new RegExp(secret));
  }
});

test("an archive that ADD unpacks reaches nothing outside the image", { skip }, () => {
  using clone = openClone();
  using outside = makeOutside();
  const up = `${"../".repeat(20)}${outside.folder.slice(1)}`;
  const archives: Readonly<Record<string, string>> = {
    dotdot: `add("${up}/written", b"x")`,
    absolute: `add("${outside.folder}/written", b"x")`,
    parent: `link("d", "${outside.folder}"); add("d/written", b"x")`,
    "relative parent": `link("d", "${up}"); add("d/written", b"x")`,
    "hard link out": `hard("h", "${up}/secret"); hard("i", "${outside.folder}/secret")`,
    "through a hard link": `link("s", "${outside.folder}/secret"); hard("h", "s"); add("h", b"x")`,
    "over a link": `link("f", "${outside.folder}/secret"); add("f", b"x")`,
    "chmod through a link": `link("d", "${outside.folder}"); folder("d", 0o777)`,
    "a directory that becomes a link": `folder("d", 0o777); link("d", "${outside.folder}")`,
    "a directory below one that becomes a link": `folder("d/${basename(outside.folder)}", 0o777); link("d", "${dirname(outside.folder)}")`,
  };
  for (const [title, body] of Object.entries(archives)) {
    makeArchive(join(clone.folder, "evil.tar"), body);
    const add = build(clone, "ADD evil.tar /dir/\nRUN cat /dir/h /dir/i; true");
    assert.ok(add.status === 0 || add.status === 1, title);
    assert.doesNotMatch(add.stdout, new RegExp(secret), title);
    if (add.status === 1) assert.doesNotMatch(add.stderr, /defect of lighter/, title);
    outside.assertUntouched();
  }
});

test("a bomb, a huge header and a lying size are refused or bounded", { skip }, () => {
  using clone = openClone();
  const archives: Readonly<Record<string, string>> = {
    "a header of a gigabyte": `add("first", b"x"); raw(b"pax", b"x", 1 << 30)`,
    "a long name of 64 MiB": `add("first", b"x"); raw(b"././@LongLink", b"L", 64 << 20, b"a" * (64 << 20))`,
    "a size beyond the archive": `raw(b"f", b"0", 1 << 40)`,
    "half a million levels": `add("first", b"x"); add("a/" * 500000 + "f", b"x")`,
  };
  for (const [title, body] of Object.entries(archives)) {
    makeArchive(join(clone.folder, "evil.tar"), body);
    const add = build(clone, "ADD evil.tar /dir/");
    assert.equal(add.status, 1, title);
    assert.match(add.stderr, /evil\.tar/, title);
    assert.doesNotMatch(add.stderr, /defect of lighter|heap out of memory/, title);
  }
});

interface Outside extends Disposable {
  readonly folder: string;
  assertUntouched(): void;
}

/** A directory of this machine with a secret and an empty directory, which is what a builder would remove as a stub. */
function makeOutside(): Outside {
  const folder = mkdtempSync(join(tmpdir(), "outside-"));
  mkdirSync(join(folder, "stub"));
  mkdirSync(join(folder, "sub/stub"), { recursive: true });
  mkdirSync(join(folder, "b/stub"), { recursive: true });
  writeFileSync(join(folder, "secret"), secret);
  const names = ["b", "secret", "stub", "sub"];
  const mode = lstatSync(folder).mode;
  return {
    folder,
    assertUntouched: () => {
      assert.deepEqual(readdirSync(folder).sort(), names);
      assert.equal(readFileSync(join(folder, "secret"), "utf8"), secret);
      assert.equal(lstatSync(folder).mode, mode);
      assert.equal(lstatSync(join(folder, "secret")).nlink, 1);
      for (const stub of ["stub", "sub/stub", "b/stub"]) assert.ok(existsSync(join(folder, stub)), stub);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Builds on an image with busybox; what the steps print is the outcome's `stdout`. */
function build(
  clone: Clone,
  instructions: string,
  head = "",
  env: Readonly<Record<string, string>> = {},
): Outcome {
  return buildWhole(
    clone,
    `${head}FROM scratch AS base\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nFROM base\n${instructions}\n`,
    [],
    env,
  );
}

function buildWhole(
  clone: Clone,
  dockerfile: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Outcome {
  copyFileSync("/bin/busybox", join(clone.folder, "busybox"));
  writeFileSync(join(clone.folder, "Dockerfile"), dockerfile);
  const { status, stdout, stderr } = clone.run(["build", "--progress", "plain", ...args, "."], { env });
  assert.deepEqual(leftovers(clone.root), []);
  // The progress names the commands, which are ours: what a step wrote comes after its number and its time.
  const wrote = stderr.split("\n").filter((line) => /^#\d+ \d+\.\d+ /.test(line));
  return { status, stdout: wrote.join("\n"), stderr: `${stderr}${stdout}` };
}

/** An archive written by Python's tarfile, which checks nothing. */
function makeArchive(path: string, body: string): void {
  const program = `
import tarfile, io
out = tarfile.open(${JSON.stringify(path)}, "w", format=tarfile.GNU_FORMAT)
def entry(name, type, target="", mode=0o644, data=b""):
    info = tarfile.TarInfo(name); info.type = type; info.linkname = target; info.mode = mode; info.size = len(data)
    out.addfile(info, io.BytesIO(data))
def add(name, data): entry(name, tarfile.REGTYPE, data=data)
def link(name, target): entry(name, tarfile.SYMTYPE, target)
def hard(name, target): entry(name, tarfile.LNKTYPE, target)
def folder(name, mode): entry(name, tarfile.DIRTYPE, mode=mode)
def raw(name, type, size, data=b""):
    info = tarfile.TarInfo(name.decode()); info.type = type; info.size = size
    out.fileobj.write(info.tobuf(tarfile.GNU_FORMAT)); out.fileobj.write(data)
${body}
out.close()
`;
  const { status, stderr } = spawnSync("python3", ["-c", program], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}
