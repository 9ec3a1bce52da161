import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSpec, type SpecOptions } from "./build-spec.ts";
import type { RuntimeSpec } from "./runtime-spec.ts";
import type { SpecFacts } from "./spec-facts.ts";

const facts: SpecFacts = {
  architecture: "amd64",
  kernelRelease: "6.1.0",
  cgroupMode: "v2",
  thermalPaths: ["/sys/devices/system/cpu/cpu0/thermal_throttle"],
};

function specOf(options: Partial<SpecOptions> = {}, changes: Partial<SpecFacts> = {}): RuntimeSpec {
  return buildSpec(
    { id: "c1", rootfs: "/r", args: ["/x"], hostname: "box", ...options },
    { ...facts, ...changes },
  );
}

const namespaces = [
  [{}, {}, "pid mount uts ipc network cgroup"],
  [{}, { cgroupMode: "v1" }, "pid mount uts ipc network"],
  [{}, { cgroupMode: "hybrid" }, "pid mount uts ipc network"],
  [{ network: { path: "/proc/1/fd/9" } }, {}, "pid mount uts ipc network=/proc/1/fd/9 cgroup"],
  [{ network: "host" }, {}, "pid mount uts ipc cgroup"],
] as const;

for (const [options, changes, want] of namespaces)
  test(`namespaces with ${JSON.stringify({ ...options, ...changes })}`, () => {
    const list = specOf(options, changes).linux.namespaces;
    assert.equal(
      list.map(({ type, path }) => (path === undefined ? type : `${type}=${path}`)).join(" "),
      want,
    );
  });

test("capabilities are docker's fourteen, inheritable and ambient none", () => {
  const { capabilities } = specOf().process;
  assert.equal(
    capabilities?.bounding.map((name) => name.slice(4)).join(" "),
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE",
  );
  assert.deepEqual(capabilities?.effective, capabilities?.bounding);
  assert.deepEqual(capabilities?.permitted, capabilities?.bounding);
  assert.deepEqual([...(capabilities?.inheritable ?? ["?"]), ...(capabilities?.ambient ?? ["?"])], []);
});

const environments = [
  [
    "a container",
    {},
    ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=box", "HOME=/root"],
  ],
  [
    "a terminal",
    { terminal: true, env: ["PATH=/p"] },
    ["PATH=/p", "HOSTNAME=box", "TERM=xterm", "HOME=/root"],
  ],
  [
    "a RUN step",
    { purpose: "build", env: ["A=1", "A=2=3"] },
    ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=2=3", "HOME=/root"],
  ],
  ["one that takes variables away", { env: ["PATH=/p", "HOSTNAME", "NONE"] }, ["PATH=/p", "HOME=/root"]],
  ["an own HOME", { env: ["PATH=/p", "HOME=/h", "HOSTNAME=x"] }, ["PATH=/p", "HOSTNAME=x", "HOME=/h"]],
  [
    "an empty HOME",
    {
      purpose: "build",
      env: ["PATH=/p", "HOME="],
      user: { uid: 5, gid: 5, additionalGids: [5], home: "/var/x" },
    },
    ["PATH=/p", "HOME=/var/x"],
  ],
] as const;

for (const [what, options, want] of environments)
  test(`environment of ${what}`, () => assert.deepEqual(specOf(options).process.env, want));

test("mounts: docker's, then the bound files and the asked ones, outer before inner", () => {
  const spec = specOf({
    files: { hosts: "/h/hosts", resolvConf: "/h/resolv" },
    mounts: [
      { destination: "/data/inner", source: "/b", options: ["rbind"] },
      { destination: "/data", source: "/a", options: ["rbind"] },
      { destination: "/etc", source: "/c", options: ["rbind"] },
    ],
  });
  assert.deepEqual(
    spec.mounts.map(({ destination }) => destination),
    [
      "/proc",
      "/dev",
      "/dev/pts",
      "/sys",
      "/sys/fs/cgroup",
      "/dev/mqueue",
      "/dev/shm",
      "/data",
      "/etc",
      "/etc/resolv.conf",
      "/etc/hosts",
      "/data/inner",
    ],
  );
});

const options = [
  ["/proc", {}, "nosuid noexec nodev"],
  ["/sys", {}, "nosuid noexec nodev ro"],
  ["/sys/fs/cgroup", {}, "ro nosuid noexec nodev"],
  ["/dev/shm", {}, "nosuid noexec nodev mode=1777 size=67108864"],
  ["/dev/shm", { shmBytes: 1024 }, "nosuid noexec nodev mode=1777 size=1024"],
  ["/etc/hosts", { files: { hosts: "/h" } }, "rbind rprivate"],
  ["/etc/hosts", { files: { hosts: "/h" }, purpose: "build" }, "rbind ro nosuid noexec nodev"],
  ["/dev/shm", { mounts: [{ destination: "/dev/shm", source: "/x", options: ["bind"] }] }, "bind"],
] as const;

for (const [destination, changes, want] of options)
  test(`mount options of ${destination} with ${JSON.stringify(changes)}`, () => {
    const mounts = specOf(changes).mounts.filter((mount) => mount.destination === destination);
    assert.deepEqual(
      mounts.map((mount) => mount.options?.join(" ")),
      [want],
    );
  });

test("masked and read-only paths are docker 29's, with those of each processor", () => {
  const { maskedPaths, readonlyPaths } = specOf().linux;
  assert.equal(
    maskedPaths?.join(" "),
    "/proc/asound /proc/acpi /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/devices/virtual/powercap /sys/devices/system/cpu/cpu0/thermal_throttle",
  );
  assert.equal(readonlyPaths?.join(" "), "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger");
});

test("a host without cgroups gets neither the mount nor the limits", () => {
  const spec = specOf({}, { cgroupMode: "none" });
  assert.equal(spec.linux.resources, undefined);
  assert.ok(!spec.mounts.some(({ type }) => type === "cgroup"));
});

test("settings of the network are for own networks only", () => {
  assert.equal(specOf().linux.sysctl?.["net.ipv4.ip_unprivileged_port_start"], "0");
  assert.equal(specOf({ network: "host" }).linux.sysctl, undefined);
});

test("what is asked arrives", () => {
  const spec = specOf({
    readOnly: true,
    cwd: "/w",
    noNewPrivileges: true,
    user: { uid: 7, gid: 8, additionalGids: [8, 9], home: "/" },
  });
  assert.equal(spec.root.readonly, true);
  assert.equal(spec.process.cwd, "/w");
  assert.equal(spec.process.noNewPrivileges, true);
  assert.deepEqual(spec.process.user, { uid: 7, gid: 8, additionalGids: [8, 9] });
  assert.equal(specOf({ cwd: "" }).process.cwd, "/");
});

test("a read-only container cannot write its network files either", () => {
  const files = { hosts: "/h", resolvConf: "/r", hostname: "/n" };
  for (const [readOnly, want] of [
    [true, ["rbind", "rprivate", "ro"]],
    [false, ["rbind", "rprivate"]],
  ] as const)
    for (const place of ["/etc/hosts", "/etc/resolv.conf", "/etc/hostname"]) {
      const mount = specOf({ files, readOnly }).mounts.find(({ destination }) => destination === place);
      assert.deepEqual(mount?.options, want, `${place}, ${readOnly}`);
    }
});

test("shared memory: its own, the host's, none", () => {
  const shm = (options: Partial<SpecOptions>) =>
    specOf(options).mounts.find(({ destination }) => destination === "/dev/shm");
  assert.equal(shm({})?.type, "tmpfs");
  assert.deepEqual([shm({ shm: "host" })?.type, shm({ shm: "host" })?.source], ["bind", "/dev/shm"]);
  assert.equal(shm({ shm: "none" }), undefined);
});
