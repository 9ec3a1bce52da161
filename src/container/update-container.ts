import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import { specResources } from "#runtime";
import { checkLimits } from "./check-limits.ts";
import { type ContainerRecord, isLive, type Limits, type RestartPolicy } from "./container-record.ts";
import { resourceLimits } from "./device-limits.ts";
import { policyNumber } from "./monitor/arguments.ts";
import { connectMonitor } from "./monitor/connect.ts";
import type { Parts } from "./parts.ts";

/** What may be changed of a container that exists; at once when it runs. */
export interface UpdateRequest {
  readonly limits?: Limits;
  readonly restart?: RestartPolicy;
}

/** @throws CONTAINER_INVALID; RUNTIME_FAILED when the kernel refuses a limit; nothing is kept then */
export async function updateContainer(
  parts: Parts,
  record: ContainerRecord,
  { limits, restart }: UpdateRequest,
): Promise<void> {
  const { state, ...stored } = record;
  if (record.remove && restart !== undefined && restart.name !== "no")
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot give container "${record.name}" a restart policy: it is removed when it ends (--rm)`,
    );
  checkLimits({ ...stored.limits, ...limits });
  if (limits !== undefined && state.pid !== 0) {
    parts.host.mounts.enterPrivateNamespace();
    const hasSwap = existsSync("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes");
    const resources = specResources(
      resourceLimits(limits),
      hasSwap || parts.host.probes.cgroupMode() === "v2",
    );
    const runtime = await parts.runtime(record.runtime);
    const path = join(parts.runDirectory, record.id, "resources.json");
    writeFileSync(path, JSON.stringify(resources));
    await runtime.command(record.id, "update", ["--resources", path]);
  }
  if (restart !== undefined && isLive(state)) {
    using session = await connectMonitor(join(parts.runDirectory, record.id));
    session?.policy(policyNumber(restart), restart.maximumRetryCount);
    await session?.flushed();
  }
  parts.store.save(
    {
      ...stored,
      limits: { ...stored.limits, ...limits },
      ...(restart === undefined ? {} : { restart }),
    },
    { durable: true },
  );
}
