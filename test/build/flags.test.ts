// docker's flags of `build` that reach into RUN, seen from the command line.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
let clone: Clone;
let context = "";
before(() => {
  clone = openClone();
  context = join(clone.folder, "context");
  mkdirSync(context);
  copyFileSync("/bin/busybox", join(context, "busybox"));
});
after(() => {
  clone[Symbol.dispose]();
  // A parent that somebody named stays: its steps' groups are gone, so it is empty.
  for (const hierarchy of ["", ...readdirSync("/sys/fs/cgroup")]) {
    const parent = join("/sys/fs/cgroup", hierarchy, "lighter-flags-test");
    if (existsSync(parent)) rmdirSync(parent);
  }
});

/** What the RUN prints. */
function output(text: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const dockerfile = `FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "/bin"]\nRUN ${text}\n`;
  const { status, stderr } = clone.run(
    ["build", "--progress", "plain", "--no-cache", ...args, "-f", "-", context],
    {
      input: dockerfile,
      env,
    },
  );
  assert.equal(status, 0, stderr);
  return [...stderr.matchAll(/^#\d+ \d+\.\d+ (.*)$/gm)].map(([, line]) => line).join("\n");
}

/** The agents that builds on this store have started and not ended: each is told to end before its build ends. */
async function agents(): Promise<readonly string[]> {
  for (const end = Date.now() + 60_000; findAgents().length > 0 && Date.now() < end; ) await delay(20);
  return findAgents();
}

function findAgents(): readonly string[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, "latin1");
    } catch {
      return ""; // it has ended
    }
  };
  return readdirSync("/proc").filter(
    (pid) => read(`/proc/${pid}/comm`) === "ssh-agent\n" && read(`/proc/${pid}/environ`).includes(clone.root),
  );
}

describe("flags that reach into RUN", { skip }, () => {
  test("secrets: of a file, of a variable, of the variable of their name", () => {
    const file = join(clone.folder, "secret");
    writeFileSync(file, "from a file");
    const mounts = ["f", "v", "NAMED"].map((id) => `--mount=type=secret,id=${id}`).join(" ");
    const words = ["--secret", `id=f,src=${file}`, "--secret", "id=v,env=VARIABLE", "--secret", "id=NAMED"];
    assert.equal(
      output(`${mounts} for s in f v NAMED; do cat /run/secrets/$s; echo; done`, words, {
        VARIABLE: "from a variable",
        NAMED: "by its name",
      }),
      "from a file\nfrom a variable\nby its name",
    );
  });

  test("an ssh agent by its socket", async () => {
    const socket = join(clone.folder, "agent");
    const server = createServer().listen(socket);
    await new Promise((resolve) => server.once("listening", resolve));
    const words = ["--ssh", `other=${socket}`];
    assert.equal(output("--mount=type=ssh,id=other test -S $SSH_AUTH_SOCK && echo there", words), "there");
    assert.equal(
      output("--mount=type=ssh test -S $SSH_AUTH_SOCK && echo there", ["--ssh", "default"], {
        SSH_AUTH_SOCK: socket,
      }),
      "there",
    );
    server.close();
  });

  test("an ssh agent with the keys of files, which ends with the build", async (t) => {
    if (spawnSync("ssh-add", ["-h"]).error !== undefined) return t.skip("needs openssh-client");
    const sshContext = join(clone.folder, "ssh");
    mkdirSync(sshContext);
    const programs = ["/bin/busybox", "/usr/bin/ssh-add"];
    const { stdout } = spawnSync("ldd", ["/usr/bin/ssh-add"], { encoding: "utf8" });
    const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
    const copies = [...programs, ...libraries].map((path) => {
      copyFileSync(path, join(sshContext, basename(path)));
      return `COPY ${basename(path)} ${path}\n`;
    });
    const keys = ["ed25519", "rsa"].map((type) => {
      const path = join(clone.folder, `id_${type}`);
      assert.equal(spawnSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", type, "-f", path]).status, 0);
      // ssh-add itself would take no file that others may read.
      chmodSync(path, 0o644);
      return path;
    });
    const dockerfile = (command: string): string =>
      `FROM scratch\n${copies.join("")}RUN --mount=type=ssh,id=keys ["/bin/busybox", "sh", "-c", "${command}"]\n`;
    const build = (command: string): ReturnType<Clone["run"]> =>
      clone.run(["build", "--progress", "plain", "--ssh", `keys=${keys.join(",")}`, "-f", "-", sshContext], {
        input: dockerfile(command),
      });
    const { status, stderr } = build("/usr/bin/ssh-add -l");
    assert.equal(status, 0, stderr);
    assert.match(stderr, /256 SHA256:\S+ ed25519 \(ED25519\)\n.*3072 SHA256:\S+ rsa \(RSA\)\n/);
    assert.deepEqual(await agents(), []);
    assert.equal(build("false").status, 1);
    assert.deepEqual(await agents(), []);
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "secret", "-f", join(clone.folder, "locked")]);
    const locked = clone.run(["build", "--ssh", `default=${join(clone.folder, "locked")}`, sshContext]);
    assert.match(
      locked.stderr,
      /the key .*locked has a passphrase; put it into an agent: .*ssh-add .*locked/,
    );
  });

  test("limits, shared memory, hosts, cgroup", () => {
    const command =
      "ulimit -Sn; ulimit -Hn; grep -o 'shm .*size=[0-9]*k' /proc/mounts | sed 's/.*size/size/'; grep added /etc/hosts";
    const words = "--ulimit nofile=77:99 --shm-size 3m --add-host added:192.0.2.1".split(" ");
    assert.equal(output(command, words).replace(/\s+added/, " added"), "77\n99\nsize=3072k\n192.0.2.1 added");
    const memory = "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max";
    assert.equal(output(memory, ["-m", "64m"]), String(64 << 20));
    assert.equal(output(memory, ["-m", "64m", "--resource", "memory=96m"]), String(96 << 20));
    const own = output("cat /proc/self/cgroup", ["--cgroup-parent", "/lighter-flags-test"]);
    const usual = output("cat /proc/self/cgroup", []);
    // A private cgroup namespace hides where it is.
    if (usual.includes("lighter")) assert.match(own, /lighter-flags-test/);
  });

  test("networks: none, and one of the engine by name, with its names", (t) => {
    assert.equal(output("ip -o link | wc -l", ["--network", "none"]), "1");
    const made = clone.run(["network", "create", "--ipv6=false", "--subnet", "10.217.83.0/24", "flags-test"]);
    if (made.status !== 0) return t.skip(made.stderr);
    try {
      const address = output("hostname -i; grep -c 127.0.0.11 /etc/resolv.conf", ["--network", "flags-test"]);
      assert.match(address, /\n1$/);
    } finally {
      clone.run(["network", "rm", "flags-test"]);
    }
    const absent = clone.run(["build", "--network", "absent", "-"], { input: 'FROM scratch\nRUN ["/x"]\n' });
    assert.equal(absent.status, 1);
    assert.match(absent.stderr, /network .*absent/);
    assert.deepEqual(leftovers(clone.root), []);
  });

  test("entitlements are granted by name", () => {
    const refused = clone.run(["build", "-f", "-", context], {
      input: 'FROM scratch\nCOPY busybox /b\nRUN --network=host ["/b", "true"]\n',
    });
    assert.match(refused.stderr, /network.host is not allowed: .*--allow network.host\n/);
    output("--network=host true", ["--allow", "network.host"]);
    output("--security=insecure true", ["--allow", "security.insecure"]);
  });

  for (const [words, message, exit = 1] of [
    [["--secret", "id=x,src=/none"], /no such file: \/none/],
    [["--secret", "src=/none"], /it has no id/],
    [["--secret", "id=x,what=1"], /"what" is unknown/],
    [["--ssh", "default=/etc/passwd"], /is neither a socket nor a private key/],
    [["--ssh", "default"], /SSH_AUTH_SOCK is not set/],
    [["--allow", "everything"], /a build can be granted network.host/],
    [["--ulimit", "x=1"], /want NAME=SOFT/, 125],
    [["--ulimit", "nofile=2:1"], /above the hard/, 125],
    [["--shm-size", "much"], /cannot read size "much"/, 125],
    [["--add-host", "x"], /want name:address/],
    [["--cgroup-parent", "../x"], /want a path below \/sys\/fs\/cgroup/],
    [["--no-cache", "--no-cache-filter", "x"], /cannot use --no-cache and --no-cache-filter together/],
    [["--build-context", "x"], /want NAME=PLACE/],
    [["--builder", "x"], /no builder "x" found/],
  ] as const)
    test(`${words.join(" ")} is refused`, () => {
      const { status, stderr } = clone.run(["build", ...words, context], { env: { SSH_AUTH_SOCK: "" } });
      assert.equal(status, exit, stderr);
      assert.match(stderr, message);
    });
});
