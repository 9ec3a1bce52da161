import { LighterError } from "#base";
import type { ContainerRecord } from "./container-record.ts";
import { listPids } from "./observe-container.ts";
import type { Parts } from "./parts.ts";

/**
 * The processes of a container as the host's `ps` shows them with these options, as docker has it: the line of titles first.
 * @throws CONTAINER_NOT_RUNNING, PROGRAM_MISSING, CONTAINER_INVALID when the options leave the column PID out
 */
export async function listProcesses(
  parts: Parts,
  record: ContainerRecord,
  options: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const pids = new Set(listPids(parts, record));
  const { status, stdout, stderr } = await parts.host.processes.run("ps", options);
  const fail = (state: string): LighterError =>
    new LighterError("CONTAINER_INVALID", `cannot show processes with "${options.join(" ")}": ${state}`);
  if (status !== 0) throw fail(stderr.toString().trim().split("\n")[0] ?? "ps failed");
  const [head = [], ...rows] = stdout
    .toString()
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().split(/\s+/));
  const place = head.indexOf("PID");
  if (place < 0) throw fail("it leaves the column PID out; add pid");
  return [
    head,
    ...rows
      .filter((row) => pids.has(Number(row[place])))
      // The last column is the command, which has blanks.
      .map((row) => [...row.slice(0, head.length - 1), row.slice(head.length - 1).join(" ")]),
  ];
}
