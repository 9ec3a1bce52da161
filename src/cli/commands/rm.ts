import { defineCommand, type Invocation } from "../command.ts";
import { eachContainer } from "../each-container.ts";

const rmFlags = {
  force: { kind: "boolean", short: "f", summary: "Kill a container that runs; ignore absent ones" },
  volumes: { kind: "boolean", short: "v", summary: "Remove its volumes that have no name, too" },
} as const;

export const rm = defineCommand({
  name: "rm",
  summary: "Remove containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: rmFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "container",
  refused: { link: "a link is a name that one container knows another by; it goes with that container" },
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
  const status = await eachContainer(
    args,
    io,
    async (name) =>
      void (await engine.containers.remove(name, {
        force: flags.force,
        ...(flags.volumes && { volumes: true }),
      })),
    (error) => flags.force && error.code === "CONTAINER_NOT_FOUND" && "told",
  );
  // What they held of the network is freed once for all of them.
  await engine.containers.sweep();
  return status;
}
