import { defineCommand } from "../command.ts";
import { driverOptions, withoutEmpty } from "../networking-flags.ts";

export const networkConnect = defineCommand({
  name: "network connect",
  summary: "Join a container to one more network",
  usage: "[OPTIONS] NETWORK CONTAINER",
  flags: {
    alias: { kind: "list", value: "NAME", summary: "Further name of the container there" },
    "driver-opt": {
      kind: "list",
      value: "NAME=VALUE",
      summary: "Set com.docker.network.endpoint.ifname or .sysctls",
    },
    "gw-priority": {
      kind: "integer",
      value: "NUMBER",
      summary: "The network with the highest leads to the world (default 0)",
    },
    ip: { kind: "string", value: "ADDRESS", summary: "Address, on a network whose subnet you chose" },
    ip6: { kind: "string", value: "ADDRESS", summary: "IPv6 address, on a network whose subnet you chose" },
    link: { kind: "list", value: "CONTAINER[:ALIAS]", summary: "Give another container a name in this one" },
    "link-local-ip": {
      kind: "list",
      value: "ADDRESS",
      summary: "Further address of the interface, link-local",
    },
  },
  arity: { min: 2, max: 2 },
  argument: "endpoint",
  examples: [
    {
      command: "lighter network connect --alias db payments postgres",
      explains: "Let postgres be found as db by the containers of the network payments",
    },
  ],
  async run({ flags, args, openEngine }) {
    const [network = "", container = ""] = args;
    await using engine = await openEngine();
    const endpoint = withoutEmpty({
      address: flags.ip,
      address6: flags.ip6,
      aliases: flags.alias,
      links: flags.link,
      linkLocalAddresses: flags["link-local-ip"],
      driverOptions: driverOptions(flags["driver-opt"]),
      gatewayPriority: flags["gw-priority"],
    });
    await engine.networks.connect({ network, container, ...endpoint });
    return 0;
  },
});

export const networkDisconnect = defineCommand({
  name: "network disconnect",
  summary: "Take a container off a network",
  usage: "NETWORK CONTAINER",
  flags: {
    force: {
      kind: "boolean",
      short: "f",
      summary: "Taken for docker's sake: what is left is always removed",
    },
  },
  arity: { min: 2, max: 2 },
  argument: "endpoint",
  examples: [
    { command: "lighter network disconnect payments postgres", explains: "Cut postgres off from payments" },
  ],
  async run({ args, openEngine }) {
    const [network = "", container = ""] = args;
    await using engine = await openEngine();
    await engine.networks.disconnect({ network, container });
    return 0;
  },
});
