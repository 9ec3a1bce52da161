import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { UpdateRequest } from "#container";
import { imageOf, missing, Stage } from "./stage.ts";

const skip = missing() ?? false;
const stage = skip === false ? new Stage() : undefined;
after(() => stage?.[Symbol.dispose]());

const m = 2 ** 20;

test("each limit reaches a container that runs", { skip }, async () => {
  assert.ok(stage);
  const { containers, host } = stage;
  const { id, state } = await containers.runDetached({
    image: imageOf({}),
    imageName: "busybox",
    network: "none",
    args: ["sleep", "1000"],
  });
  const isV2 = host.probes.cgroupMode() === "v2";
  const cgroups = readFileSync(`/proc/${state.pid}/cgroup`, "latin1").trim().split("\n");
  /** `controller/file` on v1, `file` on v2. */
  const read = (v1: string, v2: string): string => {
    const [controller = "", file = ""] = isV2 ? ["", v2] : v1.split("/");
    const line = cgroups.find((text) => text.split(":")[1]?.split(",").includes(controller)) ?? "";
    return readFileSync(join("/sys/fs/cgroup", controller, line.split(":")[2] ?? "", file), "latin1").trim();
  };
  type Limits = NonNullable<UpdateRequest["limits"]>;
  const cases: [Limits, string, string, string, string][] = [
    [
      { memoryBytes: 64 * m, memorySwapBytes: 128 * m },
      "memory/memory.limit_in_bytes",
      `${64 * m}`,
      "memory.max",
      `${64 * m}`,
    ],
    [
      { memoryReservationBytes: 32 * m },
      "memory/memory.soft_limit_in_bytes",
      `${32 * m}`,
      "memory.low",
      `${32 * m}`,
    ],
    [{ nanoCpus: 5e8 }, "cpu/cpu.cfs_quota_us", "50000", "cpu.max", "50000 100000"],
    [{ cpusetCpus: "0" }, "cpuset/cpuset.cpus", "0", "cpuset.cpus", "0"],
    [{ pidsLimit: 50 }, "pids/pids.max", "50", "pids.max", "50"],
    [{ pidsLimit: -1 }, "pids/pids.max", "4194304", "pids.max", "4194304"],
  ];
  for (const [limits, v1, ofV1, v2, ofV2] of cases) {
    await containers.update(id, { limits });
    assert.equal(read(v1, v2), isV2 ? ofV2 : ofV1, JSON.stringify(limits));
    const [name] = Object.keys(limits) as (keyof Limits)[];
    assert.ok(name);
    assert.equal(containers.get(id).limits[name], limits[name]);
  }
  await assert.rejects(containers.update(id, { limits: { memoryBytes: m } }), { code: "CONTAINER_INVALID" });
  assert.equal(containers.get(id).limits.memoryBytes, 64 * m);
  await containers.remove(id, { force: true });
});
