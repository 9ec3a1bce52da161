import { LighterError } from "#base";
import { defineCommand } from "../command.ts";
import { address, byNumber } from "../container-ports.ts";

export const port = defineCommand({
  name: "port",
  summary: "Show where the ports of a container are published",
  usage: "CONTAINER [PORT[/udp]]",
  flags: {},
  arity: { min: 1, max: 2 },
  argument: "container",
  examples: [{ command: "lighter port web 80", explains: "Print 0.0.0.0:8080" }],
  async run({ args, io, openEngine }) {
    const [name = "", wanted] = args;
    await using engine = await openEngine();
    const { network, state } = await engine.containers.get(name);
    const published = state.pid === 0 ? [] : (network.published ?? []);
    const target = wanted === undefined || wanted.includes("/") ? wanted : `${wanted}/tcp`;
    const rows = published
      .toSorted(byNumber)
      .map((one) => ({
        inside: `${one.containerPort}/${one.protocol}`,
        outside: `${address(one)}:${one.hostPort ?? ""}`,
      }))
      .filter(({ inside }) => target === undefined || inside === target);
    if (target !== undefined && rows.length === 0)
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot find port "${target}" of container "${name}": it is not published`,
      );
    await io.stdout.write(
      rows
        .map(({ inside, outside }) => (target === undefined ? `${inside} -> ${outside}\n` : `${outside}\n`))
        .join(""),
    );
    return 0;
  },
});
