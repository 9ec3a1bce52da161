import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Lab, openLab, unusable } from "./machine.ts";

// perl's syscall() makes any call by number; the host's own perl is bound into the container.
const folders = ["/usr", "/lib", "/lib64"].filter((path) => existsSync(path));
const perl = existsSync("/usr/bin/perl") && process.arch === "x64";
const errno = { EPERM: 1, EBADF: 9, EFAULT: 14, EINVAL: 22, ENOSYS: 38 };

const calls = [
  ["getpid", [39], 0],
  ["mount", [165, 0, 0, 0, 0, 0], errno.EPERM],
  ["keyctl", [250, 0, 0], errno.EPERM],
  ["bpf", [321, 0, 0, 0], errno.EPERM],
  ["clone3, so that the C library takes clone", [435, 0, 0], errno.ENOSYS],
  ["clone with CLONE_NEWUSER", [56, 0x10000000, 0, 0, 0, 0], errno.EPERM],
  ["unshare of the user namespace", [272, 0x10000000], errno.EPERM],
  ["socket of the kernel's crypto API", [41, 38, 5, 0], errno.EPERM],
  ["socket of VMs", [41, 40, 1, 0], errno.EPERM],
  ["personality of nobody", [135, 0x1234], errno.EPERM],
  ["personality asked for", [135, 0xffffffff], 0],
  ["io_uring_setup", [425, 1, 0], errno.EPERM],
  ["a call that no kernel has", [9999], errno.ENOSYS],
  ["the kernel's newest calls", [700], errno.ENOSYS],
  ["close of nothing", [3, -1], errno.EBADF],
] as const;

for (const name of ["crun", "runc"] as const)
  describe(name, { skip: unusable(name) || (!perl && "needs perl on x86-64") }, () => {
    let lab: Lab;
    before(async () => {
      lab = await openLab(name);
    });
    after(() => lab[Symbol.dispose]());

    test("each call has docker's outcome", async () => {
      const mounts = folders.map((path) => ({
        destination: path,
        type: "bind",
        source: path,
        options: ["rbind", "ro"],
      }));
      const script = calls
        .map(([, args]) => `$! = 0; my $r = syscall(${args.join(", ")}); print $r == -1 ? $! + 0 : 0, "\\n";`)
        .join("\n");
      const { stdout, stderr } = await lab.run(["/usr/bin/perl", "-e", script.replaceAll("my $r", "$r")], {
        mounts,
      });
      const outcomes = stdout.trim().split("\n").map(Number);
      assert.deepEqual(
        calls.map(([what], place) => [what, outcomes[place]]),
        calls.map(([what, , want]) => [what, want]),
        stderr,
      );
    });
  });
