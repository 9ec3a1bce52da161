import { isLighterError } from "#base";
import { defineCommand, type Invocation } from "../command.ts";
import { networkObject } from "../network-object.ts";
import { sharersOf } from "../network-sharers.ts";

const inspectFlags = {
  format: {
    kind: "string",
    short: "f",
    value: "json|TEMPLATE",
    summary: "Print without line breaks, or by a Go template",
  },
  verbose: { kind: "boolean", short: "v", summary: "Taken for docker's sake: nothing is left out" },
} as const;

export const networkInspect = defineCommand({
  name: "network inspect",
  summary: "Show everything that is known of networks, as JSON",
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  flags: inspectFlags,
  arity: { min: 1, max: Number.POSITIVE_INFINITY },
  argument: "network",
  examples: [
    {
      command: "lighter network inspect secure-network",
      explains: "Print its subnets and which containers are on it",
    },
  ],
  run: inspect,
});

async function inspect({ flags, args, io, openEngine }: Invocation<typeof inspectFlags>): Promise<number> {
  await using engine = await openEngine();
  const objects: unknown[] = [];
  let status = 0;
  for (const name of args) {
    try {
      const network = await engine.networks.get(name);
      objects.push(networkObject(network, await sharersOf(engine, network)));
    } catch (error) {
      if (!isLighterError(error, "NETWORK_NOT_FOUND", "NETWORK_INVALID")) throw error;
      await io.stderr.write(`lighter: ${error.message}\n`);
      status = 1;
    }
  }
  const { printObjects } = await import("../format/print-objects.ts");
  await io.stdout.write(printObjects(objects, flags.format));
  return status;
}
