import { errorMessage, formatBytes } from "#base";
import { defineCommand } from "../command.ts";

export const systemPrune = defineCommand({
  name: "system prune",
  summary: "Free what no image, container or build cache uses",
  usage: "",
  flags: {
    force: {
      kind: "boolean",
      short: "f",
      summary: "Taken for docker's sake: nothing in use is removed, so nothing is asked",
    },
  },
  arity: { min: 0, max: 0 },
  notYet: ["all", "-a", "filter", "volumes"],
  examples: [{ command: "lighter system prune", explains: "Give back the space that removed images left" }],
  async run({ io, openEngine }) {
    await using engine = await openEngine();
    const collected = await engine.images.collect();
    if (collected === undefined) {
      await io.stderr.write(
        "lighter: cannot prune now: another lighter uses the store; try again when it is done\n",
      );
      return 1;
    }
    await io.stdout.write(`Total reclaimed space: ${formatBytes(collected.freedBytes)}\n`);
    return 0;
  },
});

export const systemCheck = defineCommand({
  name: "system check",
  summary: "Read every byte of every image and name what is damaged",
  usage: "",
  flags: {},
  arity: { min: 0, max: 0 },
  examples: [
    {
      command: "lighter system check",
      explains: "Make sure that the store is whole, after a crash of the disk",
    },
  ],
  async run({ io, openEngine }) {
    await using engine = await openEngine();
    const faults = await engine.images.check();
    await io.stdout.write(
      faults.length === 0
        ? "Nothing is damaged.\n"
        : faults.map(({ image, message }) => `${image}: ${message}\n`).join(""),
    );
    return faults.length === 0 ? 0 : 1;
  },
});

export const systemSweep = defineCommand({
  name: "system sweep",
  summary: "Settle what containers and killed commands left behind",
  usage: "",
  flags: {},
  arity: { min: 0, max: 0 },
  examples: [
    {
      command: "lighter system sweep",
      explains: "Free addresses, ports and mounts of what was killed; every other command does so as well",
    },
  ],
  async run({ openEngine }) {
    await using engine = await openEngine();
    await engine.containers.sweep();
    return 0;
  },
});

export const systemResume = defineCommand({
  name: "system resume",
  summary: "Start the containers that a restart policy wants running, after a boot",
  usage: "",
  flags: {},
  arity: { min: 0, max: 0 },
  examples: [
    {
      command: "lighter system resume",
      explains: "Bring back what ran before the boot; systemd/lighter.service does so at each",
    },
  ],
  async run({ io, openEngine }) {
    await using engine = await openEngine();
    const { started, failures } = await engine.containers.resume();
    await io.stdout.write(started.map(({ name }) => `${name}\n`).join(""));
    for (const { name, error } of failures)
      await io.stderr.write(`lighter: cannot resume container "${name}": ${errorMessage(error)}\n`);
    return failures.length === 0 ? 0 : 1;
  },
});
