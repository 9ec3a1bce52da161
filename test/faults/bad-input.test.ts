// Every way in which a build is given something bad: one sentence, the place, what helps, docker's status, and a store
// that the next command can use.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Clone, openClone, type RunOptions, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
const nobody = 65_534;

interface BadInput {
  readonly title: string;
  readonly dockerfile: string;
  readonly args?: readonly string[];
  /** The sentence, without `lighter: `. */
  readonly says: RegExp;
  /** The line that the frame points at; absent: the mistake lies in no line. */
  readonly line?: number;
}

const inputs: readonly BadInput[] = [
  {
    title: "an unknown instruction",
    dockerfile: "FROM scratch\nCOPY busybox /bin/sh\n\nRUNN echo hello\n",
    says: /^dockerfile parse error on line 4: unknown instruction: RUNN \(did you mean RUN\?\); /,
    line: 4,
  },
  {
    title: "a missing file in COPY",
    dockerfile: "FROM scratch\nCOPY busybox /bin/sh\nCOPY absent.txt /there/\n",
    says: /^"\/absent\.txt": not found; the build context has no such path$/,
    line: 3,
  },
  {
    title: "a file in COPY that is spelt wrong",
    dockerfile: "FROM scratch\nCOPY busibox /bin/sh\n",
    says: /^"\/busibox": not found; did you mean "\/busybox"\?$/,
    line: 2,
  },
  {
    title: "a file in COPY that the ignore file leaves out",
    dockerfile: "FROM scratch\nCOPY ignored /there/\n",
    says: /^"\/ignored": not found; the ignore file leaves it out$/,
    line: 2,
  },
  {
    title: "a missing file in COPY from a stage",
    dockerfile: "FROM scratch AS one\nCOPY busybox /b\nFROM scratch\nCOPY --from=one /absent /b\n",
    says: /^"\/absent": not found; the stage or image it is copied from has no such path$/,
    line: 4,
  },
  {
    title: "an unknown stage in --from",
    dockerfile: "FROM scratch AS one\nCOPY busybox /b\nFROM scratch\nCOPY --from=onee /b /b\n",
    says: /onee:latest: not found; looked in the store, then recipes \(.*\).*; did you mean the stage one\?$/,
    line: 4,
  },
  {
    title: "a stage number that does not exist",
    dockerfile: "FROM scratch\nCOPY --from=9 /b /b\n",
    says: /^invalid stage index 9/,
    line: 2,
  },
  {
    title: "an unknown target",
    dockerfile: "FROM scratch AS one\nCOPY busybox /b\n",
    args: ["--target", "two"],
    says: /^target stage "two" could not be found; the stages are one$/,
  },
  {
    title: "a failing RUN",
    dockerfile: "FROM scratch\nCOPY busybox /bin/sh\nRUN echo before; \\\n  exit 7\n",
    says: /^process "\/bin\/sh -c echo before; {3}exit 7" did not complete successfully: exit code: 7$/,
    line: 3,
  },
  {
    title: "a RUN of a program that is not there",
    dockerfile: 'FROM scratch\nCOPY busybox /bin/sh\nRUN ["/absent"]\n',
    says: /"\/absent"/,
    line: 3,
  },
  {
    title: "a name with no source",
    dockerfile: "# comment\nFROM localhost:1/absent:1.0\nCOPY busybox /b\n",
    says: /^failed to resolve source metadata for localhost:1\/absent:1\.0: .* not found; looked in the store, then recipes \(.*\), then registry localhost:1 \(.*\); check the name, or bring the image with lighter load$/,
    line: 2,
  },
];

for (const input of inputs)
  test(`${input.title}: one sentence, its place, status 1, a store that works`, { skip }, () => {
    using clone = openClone();
    writeContext(clone, input.dockerfile);
    const build = clone.run(["build", ...(input.args ?? []), "."]);
    const [sentence = "", ...frame] = lastWords(build.stderr);
    assert.equal(build.status, 1, build.stderr);
    assert.match(sentence, input.says);
    assertFrame(clone, frame, input.line);
    assertStoreWorks(clone);
  });

test("no Dockerfile, no context", { skip }, () => {
  using clone = openClone();
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["build", "."], /^cannot read Dockerfile ".*\/Dockerfile": no such file; name it with --file$/],
    [["build", "absent"], /^cannot use build context ".*\/absent": no such directory/],
  ];
  for (const [args, says] of cases) {
    const build = clone.run(args);
    assert.equal(build.status, 1);
    assert.match(lastWords(build.stderr)[0] ?? "", says);
  }
});

test("no space left: said with the line, and with space the same build succeeds", { skip }, () => {
  using clone = openClone();
  writeContext(clone, "FROM scratch\nCOPY busybox /bin/sh\nCOPY large /large\n");
  writeFileSync(join(clone.folder, "large"), Buffer.alloc(20 << 20, "lighter"));
  mkdirSync(clone.root);
  using disk = mountDisk(clone.root, "12m");
  const build = clone.run(["build", "-t", "large", "."]);
  const [sentence = "", ...frame] = lastWords(build.stderr);
  assert.equal(build.status, 1, build.stderr);
  assert.match(sentence, /^cannot write .*: no space left on the device; /);
  assertFrame(clone, frame, 3);
  assert.deepEqual(underWay(clone), []);
  // What did not fit is gone: a small build fits.
  assertStoreWorks(clone);
  disk.resize("100m");
  assert.equal(clone.run(["build", "-t", "large", "."]).status, 0);
  // And an export that does not fit.
  const saved = clone.run(["save", "-o", join(clone.root, "full.tar"), "large"]);
  assert.equal(saved.status, 0, saved.stderr);
  disk.resize("58m");
  const again = clone.run(["save", "-o", join(clone.root, "fuller.tar"), "large"]);
  assert.equal(again.status, 1);
  assert.match(lastWords(again.stderr)[0] ?? "", /^cannot write .*: no space left on the device; /);
});

test("no privileges: what is missing is named, and what needs none works", { skip }, () => {
  using clone = openClone();
  writeContext(clone, "FROM scratch\nCOPY busybox /bin/sh\nRUN echo hello\n");
  for (const folder of [join(clone.folder, ".."), clone.folder]) chmodSync(folder, 0o755);
  // The clone may lie in a home that is closed to others: nobody sees it elsewhere.
  const elsewhere = join(clone.folder, "clone");
  mkdirSync(elsewhere);
  const enter = `mount --bind "$1" "$2" && shift 3 &&
    exec setpriv --reuid ${nobody} --regid ${nobody} --clear-groups "${elsewhere}/bin/lighter" "$@"`;
  const asNobody: RunOptions = {
    through: ["unshare", "-m", "sh", "-c", enter, "sh", process.cwd(), elsewhere],
  };
  const withoutAdmin: RunOptions = {
    through: ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"],
  };

  const refused = clone.run(["build", "."], withoutAdmin);
  const [sentence = "", ...frame] = lastWords(refused.stderr);
  assert.equal(refused.status, 1, refused.stderr);
  assert.match(
    sentence,
    /^cannot run a container: this needs root \(CAP_SYS_ADMIN is missing\); run it with sudo/,
  );
  assertFrame(clone, frame, 3);
  assertStoreWorks(clone, withoutAdmin);
  const run = clone.run(["run", "--rm", "fine", "/bin/sh"], withoutAdmin);
  assert.equal(run.status, 125);
  assert.match(lastWords(run.stderr)[0] ?? "", /^cannot .*CAP_SYS_ADMIN is missing/);

  const closed = clone.run(["images"], asNobody);
  assert.equal(closed.status, 1);
  assert.match(
    lastWords(closed.stderr)[0] ?? "",
    /^cannot open the store ".*": permission denied \(EACCES\); run as root, /,
  );
  // What keeps nothing needs no store.
  for (const words of [
    ["recipe", "ls"],
    ["build", "--check", "."],
  ]) {
    const told = clone.run(words, asNobody);
    assert.equal(told.status, 0, told.stderr);
  }
  const own = join(clone.folder, "own");
  mkdirSync(own);
  chownSync(own, nobody, nobody);
  const env = { LIGHTER_ROOT: own };
  assert.equal(clone.run(["images"], { ...asNobody, env }).status, 0);
  const copy = clone.run(["build", "."], { ...asNobody, env });
  assert.equal(copy.status, 1);
  assert.match(
    lastWords(copy.stderr)[0] ?? "",
    /^cannot make ".*" as it has to be: .*\(EPERM\); run as root$/,
  );
  assert.equal(clone.run(["fmt", "--help"], asNobody).status, 0);
});

/** A context with busybox, an ignored file and the Dockerfile. */
function writeContext(clone: Clone, dockerfile: string): void {
  copyFileSync("/bin/busybox", join(clone.folder, "busybox"));
  writeFileSync(join(clone.folder, "ignored"), "");
  writeFileSync(join(clone.folder, ".dockerignore"), "ignored\nown\nclone\n");
  writeFileSync(join(clone.folder, "Dockerfile"), dockerfile);
}

/** What the command says in the end: the sentence, then the frame. */
function lastWords(stderr: string): readonly string[] {
  const at = stderr.lastIndexOf("lighter: ");
  assert.ok(at >= 0, stderr);
  assert.doesNotMatch(stderr, /defect of lighter/);
  return stderr
    .slice(at + "lighter: ".length)
    .trimEnd()
    .split("\n");
}

function assertFrame(clone: Clone, frame: readonly string[], line: number | undefined): void {
  if (line === undefined) {
    assert.deepEqual(frame, []);
    return;
  }
  assert.equal(frame[0], `${clone.folder}/Dockerfile:${line}`);
  assert.ok(
    frame.some((text) => text.startsWith(`> ${line} | `)),
    frame.join("\n"),
  );
  assert.match(frame.join("\n"), /\n {4}\| \^+/);
}

function assertStoreWorks(clone: Clone, options: RunOptions = {}): void {
  writeFileSync(join(clone.folder, "Fine"), "FROM scratch\nCOPY busybox /bin/sh\n");
  const build = clone.run(["build", "-q", "-f", "Fine", "-t", "fine", "."], options);
  assert.equal(build.status, 0, build.stderr);
  assert.match(clone.run(["images"], options).stdout, /^fine +latest /m);
  assert.deepEqual(underWay(clone), []);
}

/** Leftovers, without the disk that a test mounted. */
function underWay(clone: Clone): readonly string[] {
  return leftovers(clone.root, (line) => line.includes(`tmpfs ${clone.root} tmpfs`));
}

function mountDisk(path: string, size: string): Disposable & { resize(size: string): void } {
  const mount = (...args: readonly string[]) => {
    const { status, stderr } = spawnSync("mount", [...args, path], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  };
  mount("-t", "tmpfs", "-o", `size=${size}`, "tmpfs");
  return {
    resize: (next) => mount("-o", `remount,size=${next}`),
    [Symbol.dispose]: () => void spawnSync("umount", ["-l", path]),
  };
}
