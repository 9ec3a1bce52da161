import { LighterError } from "#base";
import { defineCommand, type FlagValues, type Invocation } from "../command.ts";
import { parseEgressFlag } from "../egress-flag.ts";
import { keyValues } from "../key-values.ts";

const createFlags = {
  attachable: { kind: "boolean", summary: "Taken for docker's sake: every network can be joined by hand" },
  "aux-address": { kind: "list", value: "NAME=ADDRESS", summary: "Address that no container gets" },
  "config-from": {
    kind: "string",
    value: "NETWORK",
    summary: "Take subnets, options and labels of that one",
  },
  "config-only": { kind: "boolean", summary: "Only describe a network, for others to be made from" },
  driver: { kind: "string", short: "d", value: "bridge|macvlan|ipvlan", summary: "Driver (default bridge)" },
  egress: {
    kind: "list",
    value: "allow=HOST[:PORT],…",
    summary: "Let the network's containers reach nothing else beyond it",
  },
  gateway: {
    kind: "list",
    value: "ADDRESS",
    summary: "Address of the host on the network (default the first)",
  },
  internal: { kind: "boolean", summary: "No way out of the network and none in" },
  "ipam-driver": { kind: "string", choices: ["default"], value: "NAME", summary: "Who gives addresses" },
  "ip-range": { kind: "list", value: "SUBNET", summary: "Give containers addresses from here" },
  ipv4: { kind: "boolean", on: true, summary: "Give containers IPv4 addresses; every network does" },
  ipv6: { kind: "boolean", summary: "Give containers IPv6 addresses too" },
  label: { kind: "list", value: "NAME=VALUE", summary: "Add a label" },
  opt: { kind: "list", short: "o", value: "NAME=VALUE", summary: "Option of the driver" },
  scope: { kind: "string", choices: ["local"], value: "NAME", summary: "Where the network is" },
  subnet: { kind: "list", value: "SUBNET", summary: "Subnet in CIDR form; one of each IP version" },
} as const;

export const networkCreate = defineCommand({
  name: "network create",
  summary: "Make a network",
  usage: "[OPTIONS] NETWORK",
  flags: createFlags,
  arity: { min: 1, max: 1 },
  refused: {
    ingress: "it is for the routing mesh of a swarm, and there is none",
    "ipam-opt": "the one IPAM driver, default, has no options",
  },
  examples: [
    {
      command: "lighter network create secure-network",
      explains: "Containers on it find one another by name, and nobody else reaches them",
    },
    {
      command: "lighter network create --internal --subnet 10.9.0.0/24 payments",
      explains: "A network with a subnet of your choice that leads nowhere",
    },
    {
      command: "lighter network create --egress allow=deb.debian.org:80,*.npmjs.org:443 builders",
      explains: "Its containers reach these hosts and nothing else",
    },
  ],
  run: create,
});

async function create({ flags, args, io, openEngine }: Invocation<typeof createFlags>): Promise<number> {
  if (!flags.ipv4)
    throw new LighterError(
      "ARGUMENT_INVALID",
      "cannot create the network without IPv4: every network has it",
    );
  await using engine = await openEngine();
  const network = await engine.networks.create({ name: args[0] ?? "", ...options(flags) });
  await io.stdout.write(`${network.id}\n`);
  return 0;
}

function options(flags: FlagValues<typeof createFlags>) {
  return {
    ...(flags.driver !== undefined && { driver: flags.driver }),
    subnets: flags.subnet,
    gateways: flags.gateway,
    ipRanges: flags["ip-range"],
    auxAddresses: pairs(flags["aux-address"], "aux-address"),
    ipv6: flags.ipv6,
    internal: flags.internal,
    attachable: flags.attachable,
    labels: keyValues(flags.label),
    options: pairs(flags.opt, "opt"),
    configOnly: flags["config-only"],
    ...(flags["config-from"] !== undefined && { configFrom: flags["config-from"] }),
    ...(flags.egress.length > 0 && { egress: flags.egress.flatMap(parseEgressFlag) }),
  };
}

function pairs(words: readonly string[], flag: string): Readonly<Record<string, string>> {
  const wrong = words.find((word) => !/^[^=]+=/.test(word));
  if (wrong !== undefined)
    throw new LighterError("ARGUMENT_INVALID", `cannot use --${flag} "${wrong}": want NAME=VALUE`);
  return keyValues(words);
}
