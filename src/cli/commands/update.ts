import { LighterError } from "#base";
import { defineCommand } from "../command.ts";
import { parseRestart, refusedContainerFlags } from "../container-flags.ts";
import { eachContainer } from "../each-container.ts";
import { cgroupFlags, cgroupLimits } from "../limit-flags.ts";

export const update = defineCommand({
  name: "update",
  summary: "Change limits and restart policy of containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: {
    ...cgroupFlags,
    restart: {
      kind: "string",
      value: "no|always|on-failure[:COUNT]|unless-stopped",
      summary: "Start the program again when it ends",
    },
  },
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  refused: {
    "cpu-rt-period": refusedContainerFlags["cpu-rt-period"],
    "cpu-rt-runtime": refusedContainerFlags["cpu-rt-runtime"],
    "kernel-memory": refusedContainerFlags["kernel-memory"],
  },
  examples: [
    { command: "lighter update -m 512m --cpus 2 web", explains: "Give a running service other limits" },
  ],
  async run({ flags, args, io, openEngine }) {
    const limits = cgroupLimits(flags);
    const restart = flags.restart === undefined ? undefined : parseRestart(flags.restart);
    if (Object.keys(limits).length === 0 && restart === undefined)
      throw new LighterError(
        "ARGUMENT_INVALID",
        "cannot update: give at least one limit or a restart policy",
      );
    await using engine = await openEngine();
    return await eachContainer(args, io, async (name) => {
      await engine.containers.update(name, {
        ...(Object.keys(limits).length > 0 && { limits }),
        ...(restart !== undefined && { restart }),
      });
    });
  },
});
