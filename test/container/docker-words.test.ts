// What docker does with copies, groups, mounts and states, each as its users know it from the command line.
import assert from "node:assert/strict";
import {
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openBox } from "../support/box.ts";
import { type Clone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
let clone: Clone;

before(() => {
  if (skip !== false) return;
  clone = openBox("COPY passwd group /etc/\nRUN mkdir /tmp /sub /sub2; touch /sub/old /sub2/one", {
    passwd: "root:x:0:0::/root:/bin/sh\nann:x:1000:1001::/home:/bin/sh\n",
    group: "root:x:0:\nstaff:x:50:\nann:x:1001:\n",
  });
});
after(() => {
  if (clone === undefined) return;
  const left = leftovers(clone.root);
  clone[Symbol.dispose]();
  assert.deepEqual(left, []);
});

/** What a command that succeeds prints. */
function lighter(...args: readonly string[]): string {
  const { status, stdout, stderr } = clone.run([...args]);
  assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

function refused(pattern: RegExp, ...args: readonly string[]): void {
  const { status, stderr } = clone.run([...args]);
  assert.notEqual(status, 0, args.join(" "));
  assert.match(stderr, pattern);
}

/** A container that sleeps, until the test is over. */
function sleeping(...flags: readonly string[]): Disposable {
  lighter("run", "-d", "--name", "cc", "--network", "none", ...flags, "box", "sleep", "10000");
  return { [Symbol.dispose]: () => void lighter("rm", "-f", "-v", "cc") };
}

test("cp of the root: volumes come with it, what the kernel shows stays", { skip }, () => {
  using _container = sleeping("-v", "/vol", "--tmpfs", "/t");
  lighter("exec", "cc", "sh", "-c", "echo a > /vol/f; mkfifo /fifo");
  const out = join(clone.folder, "out");
  lighter("cp", "cc:/", out);
  assert.equal(readFileSync(join(out, "vol/f"), "utf8"), "a\n");
  for (const name of ["proc", "sys", "dev"]) assert.deepEqual(readdirSync(join(out, name)), [], name);
  assert.ok(lstatSync(join(out, "fifo")).isFIFO());
  lighter("cp", "cc:/fifo", join(clone.folder, "fifo"));
  assert.ok(lstatSync(join(clone.folder, "fifo")).isFIFO());
  const into = join(clone.folder, "into");
  mkdirSync(into);
  lighter("cp", "cc:/.", into);
  assert.ok(existsSync(join(into, "etc/passwd")));
});

test("cp of a container that does not run goes through its volumes", { skip }, () => {
  const [host, file] = [join(clone.folder, "host"), join(clone.folder, "file")];
  mkdirSync(host);
  writeFileSync(file, "text");
  lighter(
    "create",
    "--name",
    "cc",
    "--network",
    "none",
    "-v",
    "data:/data",
    "-v",
    `${host}:/ro:ro`,
    "box",
    "cat",
    "/data/file",
  );
  try {
    lighter("cp", file, "cc:/data/.");
    lighter("cp", file, "cc:/data/");
    refused(/read-only/i, "cp", file, "cc:/ro/file");
    assert.deepEqual(readdirSync(host), []);
    assert.equal(lighter("start", "-a", "cc"), "text");
    lighter("cp", "cc:/data/file", join(clone.folder, "again"));
    assert.equal(readFileSync(join(clone.folder, "again"), "utf8"), "text");
    lighter("cp", "cc:/etc/hosts", join(clone.folder, "hosts"));
    assert.match(readFileSync(join(clone.folder, "hosts"), "utf8"), /localhost/);
  } finally {
    clone.run(["rm", "-f", "cc"]);
    clone.run(["volume", "rm", "data"]);
  }
});

test("what is copied in keeps its owner, and with -a is the container's user's", { skip }, () => {
  using _container = sleeping("-u", "ann");
  const file = join(clone.folder, "owned");
  writeFileSync(file, "");
  lchownSync(file, 55, 66);
  lighter("cp", file, "cc:/tmp/kept");
  lighter("cp", "-a", file, "cc:/tmp/given");
  assert.equal(lighter("exec", "cc", "stat", "-c", "%u:%g", "/tmp/kept", "/tmp/given"), "55:66\n1000:1001\n");
  lighter("cp", "cc:/tmp/kept", join(clone.folder, "mine"));
  assert.equal(statSync(join(clone.folder, "mine")).uid, 0);
});

test("exec: groups that were added are its user's as well; a directory that is empty is none", {
  skip,
}, () => {
  using _container = sleeping("--group-add", "staff", "-w", "/etc", "--tmpfs", "/etc/inner");
  assert.match(lighter("exec", "-u", "0", "cc", "id"), /groups=0\(root\),50\(staff\)/);
  assert.match(lighter("exec", "-u", "ann", "cc", "id", "-G"), /\b50\b/);
  assert.equal(lighter("exec", "-w", "", "cc", "pwd"), "/etc\n");
});

test("a volume over /etc has the network files in it; the later of two limits holds", { skip }, () => {
  const of = (...words: readonly string[]) => lighter("run", "--rm", "--network", "none", ...words);
  assert.equal(of("--tmpfs", "/etc", "box", "ls", "/etc"), "hostname\nhosts\nresolv.conf\n");
  const limits = ["--ulimit", "nofile=42:42", "--ulimit", "nofile=43"];
  assert.equal(of(...limits, "box", "sh", "-c", "ulimit -n"), "43\n");
  assert.match(of("--shm-size", "0", "box", "df", "/dev/shm"), /\b65536\b/);
});

test("-e NAME takes a variable away that the caller has not", { skip }, () => {
  using _container = sleeping("-e", "A=1", "-e", "HOSTNAME");
  const names = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0])
      .sort();
  assert.deepEqual(names(lighter("exec", "cc", "env")), ["A", "HOME", "PATH"]);
  assert.deepEqual(names(lighter("exec", "-e", "A", "cc", "env")), ["HOME", "PATH"]);
});

test("diff: what a directory that was made anew hides is gone", { skip }, () => {
  using _container = sleeping();
  lighter("exec", "cc", "sh", "-c", "rm -r /etc/../sub; mkdir /sub; touch /sub/new; rm /sub2/one");
  const changes = lighter("diff", "cc").trim().split("\n");
  assert.deepEqual(changes, ["C /sub", "D /sub/old", "A /sub/new", "C /sub2", "D /sub2/one"]);
});

test("update and rename: no restart policy for one that is to be removed; a slash before a name", {
  skip,
}, () => {
  using _container = sleeping("--rm");
  refused(/it is removed when it ends/, "update", "--restart", "always", "cc");
  lighter("update", "--restart", "no", "cc");
  lighter("rename", "cc", "/dd");
  lighter("rename", "dd", "cc");
});

test("one that is paused is not started; volumes of another stay read-only", { skip }, () => {
  const host = join(clone.folder, "shared");
  mkdirSync(host);
  using _container = sleeping("-v", `${host}:/in:ro`);
  const run = ["run", "--rm", "--network", "none", "--volumes-from", "cc:rw", "box", "touch", "/in/x"];
  refused(/Read-only/, ...run);
  lighter("pause", "cc");
  refused(/cannot start container "cc": it is paused/, "start", "cc");
});
