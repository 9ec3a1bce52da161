import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultSeccomp, type SeccompFacts } from "./seccomp.ts";
import { defaultCapabilities } from "./spec-defaults.ts";

const facts = { architecture: "amd64", capabilities: defaultCapabilities, kernelRelease: "6.1.0-13-amd64" };

/** What happens to a call whose arguments no rule looks at. */
function outcome(name: string, changes: Partial<SeccompFacts> = {}): string {
  const profile = defaultSeccomp({ ...facts, ...changes });
  const groups = profile.syscalls.filter((group) => group.names.includes(name));
  const free = groups.find((group) => group.args === undefined);
  if (free === undefined) return groups.length === 0 ? "EPERM" : "by arguments";
  return free.action === "SCMP_ACT_ALLOW" ? "allowed" : `errno ${free.errnoRet}`;
}

const outcomes = [
  ["read", {}, "allowed"],
  ["mount", {}, "EPERM"],
  ["clone", {}, "by arguments"],
  ["clone3", {}, "errno 38"],
  ["socket", {}, "by arguments"],
  ["personality", {}, "by arguments"],
  ["ptrace", {}, "allowed"],
  ["ptrace", { kernelRelease: "4.7.9" }, "EPERM"],
  ["chroot", {}, "allowed"],
  ["chroot", { capabilities: [] }, "EPERM"],
  ["mount", { capabilities: ["CAP_SYS_ADMIN"] }, "allowed"],
  ["clone3", { capabilities: ["CAP_SYS_ADMIN"] }, "allowed"],
  ["keyctl", {}, "EPERM"],
  ["bpf", {}, "EPERM"],
  ["bpf", { capabilities: ["CAP_BPF"] }, "allowed"],
  ["reboot", {}, "EPERM"],
  ["open_by_handle_at", {}, "EPERM"],
  ["io_uring_setup", {}, "EPERM"],
  ["arch_prctl", {}, "allowed"],
  ["arch_prctl", { architecture: "arm64" }, "EPERM"],
  ["set_tls", { architecture: "arm64" }, "allowed"],
] as const;

for (const [name, changes, want] of outcomes)
  test(`${name} is ${want} ${JSON.stringify(changes)}`, () => assert.equal(outcome(name, changes), want));

test("architectures with their compatible ones", () => {
  assert.deepEqual(defaultSeccomp(facts).architectures, [
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X32",
  ]);
  assert.deepEqual(defaultSeccomp({ ...facts, architecture: "arm64" }).architectures, [
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_ARM",
  ]);
  assert.throws(
    () => defaultSeccomp({ ...facts, architecture: "vax" }),
    /cannot confine a container on "vax"/,
  );
});

test("sockets of the kernel's crypto API and of VMs are not allowed", () => {
  const rules = defaultSeccomp(facts).syscalls.filter((group) => group.names.includes("socket"));
  const allows = (family: number): boolean =>
    rules.some(({ args = [] }) =>
      args.every(({ op, value }) =>
        op === "SCMP_CMP_LT" ? family < value : op === "SCMP_CMP_GT" ? family > value : family === value,
      ),
    );
  assert.deepEqual([2, 10, 16, 38, 39, 40, 41].map(allows), [true, true, true, false, true, false, true]);
});
