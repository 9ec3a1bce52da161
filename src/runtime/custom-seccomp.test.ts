import assert from "node:assert/strict";
import { test } from "node:test";
import { customSeccomp } from "./custom-seccomp.ts";

const facts = { architecture: "amd64", capabilities: ["CAP_CHOWN"], kernelRelease: "6.1.0-13-amd64" };
const names = (profile: object): string =>
  customSeccomp(JSON.stringify(profile), facts)
    .syscalls.flatMap((rule) => rule.names)
    .join(" ");

test("a profile of docker's form is resolved for one container", () => {
  const rule = (name: string, conditions: object) => ({
    names: [name],
    action: "SCMP_ACT_ALLOW",
    ...conditions,
  });
  const profile = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    archMap: [
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
    ],
    syscalls: [
      { name: "old", action: "SCMP_ACT_KILL", args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }] },
      rule("has", { includes: { caps: ["CAP_CHOWN"] } }),
      rule("lacks", { includes: { caps: ["CAP_CHOWN", "CAP_SYS_ADMIN"] } }),
      rule("without", { excludes: { caps: ["CAP_SYS_ADMIN"] } }),
      rule("with", { excludes: { caps: ["CAP_CHOWN"] } }),
      rule("here", { includes: { arches: ["amd64", "x86"] } }),
      rule("there", { includes: { arches: ["arm64"] } }),
      rule("since", { includes: { minKernel: "4.8" } }),
      rule("later", { includes: { minKernel: "7.0" } }),
      rule("none", { includes: {}, excludes: {}, args: null, errnoRet: 1 }),
    ],
  };
  assert.equal(names(profile), "old has without here since none");
  const { architectures, defaultErrnoRet, syscalls } = customSeccomp(JSON.stringify(profile), facts);
  assert.deepEqual(architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
  assert.equal(defaultErrnoRet, 38);
  assert.deepEqual(syscalls[0], {
    names: ["old"],
    action: "SCMP_ACT_KILL",
    args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }],
  });
});

test("a profile that is none is refused in one sentence", () => {
  const both = { defaultAction: "SCMP_ACT_ALLOW", architectures: ["a"], archMap: [{ architecture: "b" }] };
  const rows: readonly (readonly [string, RegExp])[] = [
    ["{", /it is no JSON/],
    ["[]", /it has no "defaultAction"/],
    [JSON.stringify(both), /both "architectures" and "archMap"/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO"}]}', /names no system call/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}', /a list in it is none/],
  ];
  for (const [text, words] of rows)
    assert.throws(() => customSeccomp(text, facts), { code: "CONTAINER_INVALID", message: words }, text);
});
