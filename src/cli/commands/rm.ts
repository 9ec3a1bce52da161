import { isLighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";

const rmFlags = {
  force: { kind: "boolean", short: "f", summary: "Kill a container that runs; ignore absent ones" },
} as const;

export const rm = defineCommand({
  name: "rm",
  summary: "Remove containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: rmFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  notYet: ["link", "-l", "volumes", "-v"],
  examples: [
    { command: "lighter rm brisk_barge", explains: "Remove a container that has ended" },
    { command: "lighter rm -f $(lighter ps -aq)", explains: "Remove every container" },
  ],
  run: removeContainers,
});

export const containerRm = defineCommand({ ...rm, name: "container rm" });

async function removeContainers({
  flags,
  args,
  io,
  openEngine,
}: Invocation<typeof rmFlags>): Promise<number> {
  await using engine = await openEngine();
  let status = 0;
  for (const name of args) {
    try {
      await engine.containers.remove(name, { force: flags.force });
      await io.stdout.write(`${name}\n`);
    } catch (error) {
      if (!isLighterError(error)) throw error;
      if (flags.force && error.code === "CONTAINER_NOT_FOUND") continue;
      await io.stderr.write(`lighter: ${error.message}\n`);
      status = 1;
    }
  }
  return status;
}
