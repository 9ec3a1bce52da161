import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isLighterError } from "#base";
import { prepareMountPoints, resolveUser } from "#runtime";
import { type Lab, openLab, unusable } from "./machine.ts";

for (const name of ["crun", "runc"] as const)
  describe(name, { skip: unusable(name) }, () => {
    let lab: Lab;
    before(async () => {
      lab = await openLab(name);
    });
    after(() => lab[Symbol.dispose]());
    const sh = (script: string, options = {}) => lab.run(["sh", "-c", script], options);

    test("is what was found", () => {
      assert.equal(lab.runtime.name, name);
      assert.ok(existsSync(join(lab.runDirectory, "runtime.json")));
    });

    const statuses = [
      ["true", 0],
      ["exit 1", 1],
      ["exit 7", 7],
      ["exit 255", 255],
      // The first process of a container ignores signals from inside; its child does not.
      ["sh -c 'kill -9 $$'; exit $?", 137],
      ["sh -c 'kill -15 $$'; exit $?", 143],
    ] as const;
    for (const [script, status] of statuses)
      test(`status of "${script}" is ${status}`, async () => assert.equal((await sh(script)).status, status));

    test("output is told apart and binary", async () => {
      const chunks: Uint8Array[] = [];
      const outcome = await sh("printf '\\377\\000\\200'; printf err >&2", {
        onStdout: (chunk: Uint8Array) => chunks.push(chunk),
      });
      assert.deepEqual(Buffer.concat(chunks), Buffer.from([0xff, 0x00, 0x80]));
      assert.equal(outcome.stderr, "err");
    });

    test("input is empty", async () => assert.equal((await lab.run(["cat"])).status, 0));

    test("it is alone: process 1, own names, no process of the host", async () => {
      const { stdout } = await sh("echo $$; hostname; ls -d /proc/[0-9]* | cat");
      const [pid, hostname, ...processes] = stdout.trim().split("\n");
      assert.deepEqual([pid, hostname], ["1", "box"]);
      assert.ok(processes.length <= 4, stdout);
      const own = ["mnt", "pid", "uts", "ipc", "net"].map((kind) => `/proc/1/ns/${kind}`);
      const seen = (await sh(`ls -l ${own.join(" ")}`)).stdout;
      for (const kind of ["mnt", "pid", "uts", "ipc", "net"]) {
        const inside = new RegExp(`${kind}:\\[(\\d+)\\]`).exec(seen)?.[1];
        const outside = statSync(`/proc/self/ns/${kind}`).ino;
        assert.ok(inside !== undefined && Number(inside) !== outside, kind);
      }
    });

    test("capabilities, seccomp and no-new-privileges are docker's", async () => {
      const status = (await lab.run(["cat", "/proc/self/status"])).stdout;
      const field = (key: string): string | undefined =>
        new RegExp(`^${key}:\\s*(\\S+)`, "m").exec(status)?.[1];
      assert.deepEqual(
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"].map(field),
        [
          "0000000000000000",
          "00000000a80425fb",
          "00000000a80425fb",
          "00000000a80425fb",
          "0000000000000000",
          "0",
          "2",
        ],
      );
      const strict = (
        await lab.run(["cat", "/proc/self/status"], { noNewPrivileges: true, capabilities: [] })
      ).stdout;
      assert.match(strict, /NoNewPrivs:\s*1/);
      assert.match(strict, /CapBnd:\s*0000000000000000/);
    });

    test("paths are masked and read-only", async () => {
      const { stdout } = await sh(`
        for path in /proc/keys /proc/timer_list /proc/interrupts; do cat $path 2>/dev/null | head -c 1; done
        ls /sys/firmware /proc/acpi 2>/dev/null
        for path in /proc/sys/kernel/domainname /proc/sysrq-trigger /sys/kernel/uevent_helper; do
          (echo x > $path) 2>/dev/null && echo "$path is writable"
        done
        exit 0`);
      assert.equal(stdout.replace(/^.*:\n?|\n/gm, ""), "");
    });

    test("devices of the host cannot be opened, though nodes can be made", async () => {
      const { stdout, stderr } = await sh(
        "mknod /tmp/disk b 254 0 && echo made; dd if=/tmp/disk of=/dev/null count=1 2>&1 | grep -c 'not permitted'; rm -f /tmp/disk; ls /dev",
      );
      assert.match(stdout, /^made\n1\n/, stderr);
      assert.deepEqual(
        stdout
          .split("\n")
          .slice(2)
          .filter((entry) => /^(sd|vd|nvme|dm|loop|kvm|fuse|mem|kmsg)/.test(entry)),
        [],
      );
    });

    const refused = [
      ["mount -t tmpfs x /tmp", /denied|not permitted/],
      ["unshare -m true", /not permitted|denied/],
      ["unshare -U true", /not permitted|denied/],
    ] as const;
    for (const [script, words] of refused)
      test(`"${script}" is not permitted`, async () => {
        const { status, stderr } = await sh(script);
        assert.notEqual(status, 0);
        assert.match(stderr, words);
      });

    test("user, groups and HOME are those of the image", async () => {
      const user = resolveUser(lab.host, lab.rootfs, "app");
      const { stdout } = await sh("id -u; id -g; id -G; echo $HOME; cat /proc/self/status | grep CapEff", {
        user,
      });
      assert.match(stdout, /^1000\n1000\n1000 2000\n\/srv\nCapEff:\s*0000000000000000\n$/);
    });

    test("a read-only root, a working directory, an environment", async () => {
      const { stdout, status } = await sh("pwd; echo $A; (echo x > /tmp/f) 2>/dev/null || echo refused", {
        readOnly: true,
        cwd: "/etc",
        env: ["A=b c"],
      });
      assert.deepEqual([stdout, status], ["/etc\nb c\nrefused\n", 0]);
    });

    const failures = [
      [
        ["nope"],
        "COMMAND_NOT_FOUND",
        127,
        'cannot run "nope": executable file not found in $PATH; look for it in the image or give its full path',
      ],
      [
        ["/bin/nope"],
        "COMMAND_NOT_FOUND",
        127,
        'cannot run "/bin/nope": no such file or directory; look for it in the image',
      ],
      [
        ["/etc/passwd"],
        "COMMAND_NOT_EXECUTABLE",
        126,
        'cannot run "/etc/passwd": permission denied; it must be a regular file with the execute permission',
      ],
      [
        ["/etc"],
        "COMMAND_NOT_EXECUTABLE",
        126,
        'cannot run "/etc": permission denied; it must be a regular file with the execute permission',
      ],
      [
        ["/script"],
        "COMMAND_NOT_FOUND",
        127,
        'cannot run "/script": its interpreter "/bin/bash" is not in the image; add it or choose a base that has it',
      ],
    ] as const;
    for (const [args, code, exit, message] of failures)
      test(message, async () => {
        writeFileSync(join(lab.rootfs, "script"), "#!/bin/bash -e\n", { mode: 0o755 });
        await assert.rejects(lab.run(args), (error) => {
          assert.ok(isLighterError(error, code), String(error));
          assert.deepEqual([error.message, error.kind.exit], [message, exit]);
          return true;
        });
      });

    test("the runtime's own words are understood where the root cannot tell", async () => {
      const mounts = [{ destination: "/data", type: "bind", source: lab.rootfs, options: ["rbind", "ro"] }];
      await assert.rejects(lab.run(["nope"], { mounts }), (error) =>
        isLighterError(error, "COMMAND_NOT_FOUND"),
      );
      await assert.rejects(lab.run(["/etc"], { mounts }), (error) =>
        isLighterError(error, "COMMAND_NOT_EXECUTABLE"),
      );
      assert.equal((await lab.run(["/data/bin/true"], { mounts })).status, 0);
      const missing = [{ destination: "/data", type: "bind", source: "/no/such/place", options: ["rbind"] }];
      await assert.rejects(lab.run(["true"], { mounts: missing }), (error) =>
        isLighterError(error, "RUNTIME_FAILED"),
      );
    });

    test("mount points that the root lacks do not stay in it", async () => {
      const hosts = join(lab.runDirectory, "hosts");
      writeFileSync(hosts, "127.0.0.1 here\n");
      mkdirSync(lab.runDirectory, { recursive: true });
      const mounts = [
        { destination: "/etc/hosts", type: "bind", source: hosts, options: ["bind", "ro"] },
        { destination: "/var/cache/deep", type: "tmpfs", source: "tmpfs" },
      ];
      const time = statSync(join(lab.rootfs, "etc"), { bigint: true }).mtimeNs;
      {
        using _points = prepareMountPoints(lab.host, lab.rootfs, mounts);
        assert.equal((await lab.run(["cat", "/etc/hosts"], { mounts })).stdout, "127.0.0.1 here\n");
      }
      assert.deepEqual(
        ["etc/hosts", "var"].filter((path) => existsSync(join(lab.rootfs, path))),
        [],
      );
      assert.equal(statSync(join(lab.rootfs, "etc"), { bigint: true }).mtimeNs, time);
    });

    test("a container joins a given network, or that of the host", async () => {
      using network = lab.host.namespaces.createNetwork();
      const inside = await sh("ls -l /proc/1/ns/net", { network: { path: network.path } });
      assert.match(inside.stdout, new RegExp(`net:\\[${statSync(network.path).ino}\\]`));
      const outside = await sh("ls -l /proc/1/ns/net", { network: "host" });
      assert.match(outside.stdout, new RegExp(`net:\\[${statSync("/proc/self/ns/net").ino}\\]`));
    });

    test("nothing is left of those containers", () => {
      const left = readdirSync(lab.runDirectory).filter((entry) => entry.startsWith("test-"));
      const state = readdirSync(join(lab.runDirectory, `.${name}`)).filter((entry) => !entry.startsWith("."));
      assert.deepEqual([left, state], [[], []]);
      rmSync(join(lab.rootfs, "script"), { force: true });
      assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(lab.rootfs));
    });
  });
