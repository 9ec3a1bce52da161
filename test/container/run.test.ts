import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { RunRequest } from "#container";
import type { ProcessConfig } from "#oci";
import { imageOf, missing, Stage } from "./stage.ts";

const skip = missing() ?? false;
const stage = skip === false ? new Stage() : undefined;
after(() => stage?.[Symbol.dispose]());

function theStage(): Stage {
  assert.ok(stage);
  return stage;
}

const sh = (script: string): Partial<RunRequest> => ({ args: ["sh", "-c", script] });

test("what runs, by docker's rules", { skip }, async (t) => {
  const image: ProcessConfig = {
    Entrypoint: ["echo", "entry"],
    Cmd: ["cmd"],
    Env: ["A=image", "B=image"],
    WorkingDir: "/made/here",
  };
  const shell: ProcessConfig = { ...image, Entrypoint: ["sh", "-c"] };
  const cases: [string, ProcessConfig, Partial<RunRequest>, string][] = [
    ["entrypoint and cmd of the image", image, {}, "entry cmd"],
    ["arguments replace cmd", image, { args: ["x", "y"] }, "entry x y"],
    ["an entrypoint drops the image's cmd", image, { entrypoint: ["echo", "mine"] }, "mine"],
    ["an entrypoint with arguments", image, { entrypoint: ["echo"], args: ["a"] }, "a"],
    ["an empty entrypoint", image, { entrypoint: [], args: ["echo", "plain"] }, "plain"],
    [
      "environment over the image's",
      shell,
      { args: ["echo $A $B $C"], env: ["B=asked", "C=asked"] },
      "image asked asked",
    ],
    [
      "PATH, HOME and HOSTNAME are there",
      shell,
      { args: ["echo $PATH $HOME $HOSTNAME"], hostname: "h" },
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /root h",
    ],
    ["the working directory is made", shell, { args: ["pwd; stat -c '%u:%g %a' ."] }, "/made/here\n0:0 755"],
    ["another working directory", shell, { args: ["pwd"], workdir: "/tmp/new/../other" }, "/tmp/other"],
    ["root by default", shell, { args: ["id -u; id -g"] }, "0\n0"],
    [
      "a user by name",
      shell,
      { args: ["id -u; id -g; id -G; echo $HOME"], user: "ann" },
      "1000\n1000\n1000 50\n/home/ann",
    ],
    ["a user and group by number", shell, { args: ["id -u; id -g"], user: "7:8" }, "7\n8"],
    ["the image's user", { ...shell, User: "ann" }, { args: ["id -u"] }, "1000"],
    ["the host name", shell, { args: ["hostname; cat /etc/hostname"], hostname: "box" }, "box\nbox"],
    ["process 1", shell, { args: ["echo $$"] }, "1"],
  ];
  for (const [name, config, request, expected] of cases) {
    await t.test(name, async () => {
      const result = await theStage().run({ config, ...request });
      assert.deepEqual(
        { ...result, stdout: result.stdout.trim() },
        { status: 0, stdout: expected, stderr: "" },
      );
    });
  }
});

test("exit statuses are the program's, and docker's where it cannot run", { skip }, async () => {
  const run = theStage();
  assert.equal((await run.run(sh("exit 7"))).status, 7);
  assert.equal(
    (await run.run(sh("kill -9 $$; sleep 1; exit 3"))).status,
    3,
    "process 1 does not kill itself",
  );
  await assert.rejects(run.run({ args: ["nope"] }), { code: "COMMAND_NOT_FOUND" });
  await assert.rejects(run.run({ args: ["/etc/passwd"] }), { code: "COMMAND_NOT_EXECUTABLE" });
  await assert.rejects(run.run({}), { code: "CONTAINER_INVALID", message: /it names no command/ });
  await assert.rejects(run.run({ args: ["true"], user: "nobody-here" }), { code: "USER_NOT_FOUND" });
  await assert.rejects(run.run({ args: ["true"], network: "nope" }), { code: "NETWORK_NOT_FOUND" });
  assert.deepEqual(run.containers.list(), []);
});

test("volumes", { skip }, async (t) => {
  const folder = join(theStage().root, "shared");
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), "from the host");
  await t.test("are seen and written through", async () => {
    const { stdout } = await theStage().run({
      ...sh("cat /data/file; echo back > /data/answer"),
      volumes: [`${folder}:/data`],
    });
    assert.equal(stdout, "from the host");
    assert.equal(readFileSync(join(folder, "answer"), "utf8"), "back\n");
  });
  await t.test("read-only ones cannot be written", async () => {
    const { status, stderr } = await theStage().run({
      ...sh("touch /data/x"),
      volumes: [`${folder}:/data:ro`],
    });
    assert.notEqual(status, 0);
    assert.match(stderr, /Read-only file system/);
  });
  await t.test("a volume may stand for a directory of the host, which outlives it", async () => {
    const { volumes } = theStage().containers;
    const options = { type: "none", o: "bind", device: folder };
    volumes.create("elsewhere", { options });
    await theStage().run({ ...sh("echo there > /data/kept"), volumes: ["elsewhere:/data"] });
    volumes.remove("elsewhere");
    assert.equal(readFileSync(join(folder, "kept"), "utf8"), "there\n");
    for (const [wrong, message] of [
      [{ type: "tmpfs", device: "tmpfs" }, /another one in each container/],
      [{ type: "nfs", o: "addr=192.0.2.1", device: ":/x" }, /mount it on the host/],
      [{ ...options, device: "/nowhere" }, /no directory of the host/],
      [{ ...options, o: "bind,ro" }, /o=ro is not known/],
      [{ ...options, size: "1g" }, /option "size" is unknown/],
    ] as const)
      assert.throws(() => volumes.create("wrong", { options: wrong }), { message });
  });
  await t.test("a missing source is made", async () => {
    await theStage().run({ ...sh("touch /data/x"), volumes: [`${folder}/new:/data`] });
    assert.ok(existsSync(join(folder, "new/x")));
  });
  const faults: [string, RegExp][] = [
    ["n@me:/data", /no volume's name/],
    ["/a:relative", /must be absolute/],
    ["/a:/b:bogus", /option "bogus" is unknown/],
  ];
  for (const [volume, message] of faults)
    await t.test(volume, () =>
      assert.rejects(theStage().run({ ...sh("true"), volumes: [volume] }), {
        code: "CONTAINER_INVALID",
        message,
      }),
    );
});

const noMkdir = JSON.stringify({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }],
});

test("mounts and namespaces as docker gives them", { skip }, async (t) => {
  const ownIds = readFileSync("/proc/self/uid_map", "latin1").trim().replace(/\s+/g, " ");
  const cases: [string, Partial<RunRequest>, string][] = [
    [
      "a tmpfs that may execute",
      { ...sh("grep ' /t ' /proc/mounts | grep -c noexec || true"), tmpfs: ["/t:exec"] },
      "0",
    ],
    ["the root's device is named overlay", sh("grep ' / ' /proc/mounts | cut -d' ' -f1"), "overlay"],
    [
      "a read-only container's hosts",
      { ...sh("echo x >> /etc/hosts || echo refused"), readOnly: true },
      "refused",
    ],
    ["no shared memory", { ...sh("test -e /dev/shm || echo absent"), ipc: "none" }, "absent"],
    ["shared memory of its own", { ...sh("grep -c ' /dev/shm ' /proc/mounts"), ipc: "private" }, "1"],
    ["as many processes as the kernel has", { ...sh("echo runs"), limits: { pidsLimit: -1 } }, "runs"],
    ["the host's user IDs", { ...sh("echo $(cat /proc/self/uid_map)"), userns: "host" }, ownIds],
    ["no limit of processes", { ...sh("echo runs"), limits: { pidsLimit: 0 } }, "runs"],
    [
      "a profile of system calls of one's own",
      {
        ...sh("mkdir /made || grep -c '^Seccomp:.*2' /proc/self/status"),
        securityOptions: [`seccomp=${noMkdir}`],
      },
      "1",
    ],
    [
      "an init as docker names it",
      { ...sh("tr '\\0' ' ' < /proc/1/cmdline | cut -c1-20"), init: true },
      "/sbin/docker-init --",
    ],
  ];
  for (const [name, request, want] of cases)
    await t.test(name, async () => {
      const { status, stdout } = await theStage().run(request);
      assert.deepEqual([status, stdout.trim()], [0, want]);
    });
  for (const [option, message] of [
    ["seccomp=strict", /want no-new-privileges, seccomp=FILE/],
    ["color=red", /want no-new-privileges, seccomp=FILE/],
    ...(existsSync("/sys/module/apparmor") ? [] : [["apparmor=web", /this host has no AppArmor/] as const]),
  ] as const)
    await t.test(`security option ${option}`, async () => {
      await assert.rejects(theStage().run({ ...sh("true"), securityOptions: [option] }), { message });
    });
  for (const userns of ["private", "keep-id"])
    await t.test(`user namespace ${userns}`, () =>
      assert.rejects(theStage().run({ ...sh("true"), userns }), {
        code: "CONTAINER_INVALID",
        message: /want host or auto/,
      }),
    );
  await t.test("the host's shared memory", async () => {
    const name = `lighter-test-${process.pid}`;
    writeFileSync(`/dev/shm/${name}`, "of the host");
    try {
      const { stdout } = await theStage().run({ ...sh(`cat /dev/shm/${name}`), ipc: "host" });
      assert.equal(stdout, "of the host");
    } finally {
      rmSync(`/dev/shm/${name}`);
    }
  });
});

test("one that is removed at its end outlives a restart, and goes with its next end", { skip }, async () => {
  const { containers } = theStage();
  const made = await containers.runDetached({
    image: imageOf({}),
    imageName: "busybox",
    name: "passing",
    network: "none",
    remove: true,
    volumes: ["/kept"],
    args: ["sh", "-c", "echo x >> /kept/starts; exec sleep 10000"],
  });
  const readStarts = async (): Promise<string> => {
    let starts = "";
    const onStdout = (chunk: Uint8Array) => (starts += Buffer.from(chunk).toString());
    await containers.exec("passing", {
      args: ["cat", "/kept/starts"],
      stdio: { onStdout, onStderr() {} },
    });
    return starts;
  };
  await waitFor(async () => (await readStarts()) === "x\n");
  for (let restarts = 1; restarts <= 2; restarts++) {
    const again = await containers.restart("passing", { timeoutSeconds: 0 });
    assert.deepEqual([again.id, again.remove, again.state.status], [made.id, true, "running"]);
    await waitFor(async () => (await readStarts()) === "x\n".repeat(restarts + 1));
  }
  await containers.stop("passing", { timeoutSeconds: 0 });
  await containers.sweep();
  assert.equal(
    containers.list().some(({ id }) => id === made.id),
    false,
  );
  assert.deepEqual(
    containers.volumes.list().filter(({ isAnonymous }) => isAnonymous),
    [],
  );
});

test("a read-only root", { skip }, async () => {
  const { status, stderr } = await theStage().run({ ...sh("touch /x"), readOnly: true });
  assert.notEqual(status, 0);
  assert.match(stderr, /Read-only file system/);
});

test("volumes of another container", { skip }, async () => {
  const { containers } = theStage();
  const giver = { ...sh("echo a > /anon/a; echo n > /named/n"), name: "giver", remove: false };
  await theStage().run({ ...giver, volumes: ["/anon", "named:/named"] });
  const taken = await theStage().run({
    ...sh("cat /anon/a /named/n; touch /anon/x"),
    volumesFrom: ["giver:ro"],
    config: { Volumes: { "/anon": {} } },
  });
  assert.equal(taken.stdout, "a\nn\n");
  assert.match(taken.stderr, /Read-only file system/);
  const keeper = { ...sh("true"), name: "keeper", remove: false, volumesFrom: ["giver"] };
  await theStage().run(keeper);
  await containers.remove("giver", { volumes: true });
  const kept = await theStage().run({ ...sh("cat /anon/a"), volumesFrom: ["keeper"] });
  assert.equal(kept.stdout, "a\n", "what another container has as well stays");
  await containers.remove("keeper", { volumes: true });
  assert.deepEqual(
    containers.volumes.list().map(({ name }) => name),
    ["named"],
  );
  containers.volumes.remove("named");
  await assert.rejects(theStage().run({ ...sh("true"), volumesFrom: ["absent"] }), {
    code: "CONTAINER_NOT_FOUND",
  });
});

test("cgroups, domain and runtime that were asked for", { skip }, async () => {
  const parent = `/lighter-test-${process.pid}/deep`;
  const { stdout } = await theStage().run({ ...sh("cat /proc/self/cgroup"), cgroupParent: parent });
  assert.match(stdout, new RegExp(`:${parent}/[0-9a-f]{64}$`, "m"));
  // The parent is the user's own to remove.
  for (const hierarchy of ["", ...readdirSync("/sys/fs/cgroup").filter((name) => name !== "unified")])
    for (const folder of [parent, `/lighter-test-${process.pid}`]) {
      const path = join("/sys/fs/cgroup", hierarchy, folder);
      if (existsSync(path)) rmdirSync(path);
    }
  const hidden = await theStage().run({ ...sh("cat /proc/self/cgroup"), cgroupns: "private" });
  assert.match(hidden.stdout, /^\d+:[^:]*:\/$/m);
  const named = await theStage().run({ ...sh("cat /proc/sys/kernel/domainname"), domainname: "example.org" });
  assert.equal(named.stdout, "example.org\n");
  for (const request of [{ cgroupParent: "../up" }, { cgroupns: "mine" }, { runtime: "kata" }])
    await assert.rejects(theStage().run({ ...sh("true"), ...request }), { code: "CONTAINER_INVALID" });
});

test("the image is not changed by what runs", { skip }, async () => {
  await theStage().run(sh("touch /new; rm /etc/group"));
  const { stdout } = await theStage().run(sh("ls /etc/group; ls /new"));
  assert.equal(stdout.trim(), "/etc/group");
});

test("networks", { skip }, async (t) => {
  const links = (network: string) =>
    theStage().run({ ...sh("ip -o link | cat; cat /etc/hosts"), network, hostname: "box" });
  await t.test("bridge: an address, its name in /etc/hosts, a way out", async () => {
    const { stdout } = await theStage().run({
      ...sh("ip -o -4 addr show eth0; ip route; cat /etc/hosts"),
      network: "bridge",
      hostname: "box",
    });
    assert.match(stdout, /inet 172\.17\.0\.\d+\/16 brd 172\.17\.255\.255/);
    assert.match(stdout, /default via 172\.17\.0\.1 dev eth0/);
    assert.match(stdout, /172\.17\.0\.\d+\tbox\n$/);
  });
  await t.test("none: loopback alone", async () => {
    const { stdout } = await links("none");
    assert.match(stdout, /1: lo: .*UP/);
    assert.doesNotMatch(stdout, /eth0/);
  });
  await t.test("host: the host's links and name", async () => {
    const { stdout } = await theStage().run({ ...sh("hostname; ip -o link"), network: "host" });
    assert.match(stdout, new RegExp(`^${(await import("node:os")).hostname()}\n`));
  });
  await t.test("extra hosts", async () => {
    const { stdout } = await theStage().run({
      ...sh("cat /etc/hosts"),
      network: "bridge",
      extraHosts: ["db:10.0.0.5", "up:host-gateway"],
    });
    assert.match(stdout, /10\.0\.0\.5\tdb\n172\.17\.0\.1\tup\n/);
  });
  await t.test("a taken port fails before anything runs", async () => {
    const ports = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] as const;
    await using _holder = await theStage().network.attach({
      containerId: "x",
      containerName: "holder",
      hostname: "x",
      network: "bridge",
      ports,
    });
    await assert.rejects(theStage().run({ ...sh("true"), name: "late", network: "bridge", ports }), {
      code: "PORT_IN_USE",
      message: /container "holder"/,
    });
  });
});

test("records", { skip }, async (t) => {
  const { containers } = theStage();
  await t.test("a container without --rm stays, with its status and its layer", async () => {
    assert.equal(
      (await theStage().run({ ...sh("echo kept > /file; exit 4"), name: "kept", remove: false })).status,
      4,
    );
    const record = containers.get("kept");
    assert.equal(record.state.status === "exited" && record.state.exitCode, 4);
    assert.equal(readFileSync(join(theStage().root, "containers", record.id, "fs/file"), "utf8"), "kept\n");
    assert.equal(containers.get(record.id.slice(0, 12)).name, "kept");
  });
  await t.test("its name is taken", async () => {
    await assert.rejects(theStage().run({ ...sh("true"), name: "kept" }), {
      code: "CONTAINER_NAME_USED",
      message: /container [0-9a-f]{12} has that name/,
    });
  });
  await t.test("a failed start is kept with the reason", async () => {
    await assert.rejects(theStage().run({ args: ["nope"], name: "failed", remove: false }));
    const { state } = containers.get("failed");
    assert.deepEqual([state.status, state.exitCode], ["created", 127]);
    assert.match(state.error ?? "", /"nope"/);
  });
  await t.test("removing frees the name and everything", async () => {
    await containers.remove("kept");
    await containers.remove("failed");
    assert.throws(() => containers.get("kept"), { code: "CONTAINER_NOT_FOUND" });
    await theStage().run({ ...sh("true"), name: "kept" });
  });
  await t.test("a random name is given", async () => {
    await theStage().run({ ...sh("true"), remove: false });
    const [record] = containers.list();
    assert.match(record?.name ?? "", /^[a-z]+_[a-z]+$/);
    await containers.remove(record?.id ?? "");
  });
  await t.test("a running one is not removed, but by force, at any moment", async () => {
    for (const waitMs of [0, 2, 4, 8, 16, 50]) {
      const life = theStage().run({ ...sh("sleep 10000"), name: "runs", network: "bridge" });
      await waitFor(() => containers.list().some(({ state }) => state.status === "running"));
      await assert.rejects(containers.remove("runs"), { code: "CONTAINER_RUNNING" });
      await delay(waitMs);
      await containers.remove("runs", { force: true });
      assert.equal((await life).status, 137, `after ${waitMs} ms`);
    }
  });
});

test("cancelling stops the container", { skip }, async () => {
  const abort = new AbortController();
  const life = theStage().run({ ...sh("sleep 10000"), network: "bridge", signal: abort.signal });
  await waitFor(() =>
    theStage()
      .containers.list()
      .some(({ state }) => state.status === "running"),
  );
  abort.abort();
  await assert.rejects(life, { code: "CANCELLED" });
});

test("nothing is left of any of it", { skip }, () => {
  assert.deepEqual(theStage().leftovers(), {
    mounts: [],
    links: ["lo"],
    tables: theStageTables(),
    run: [],
    containers: [],
    upper: [],
  });
});

function theStageTables(): string {
  const listed = JSON.stringify(theStage().host.firewall.list("tables"));
  assert.doesNotMatch(listed, /lighter_/);
  return listed;
}

async function waitFor(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await isTrue()); await delay(10))
    assert.ok(Date.now() < deadline, "it does not come");
}
