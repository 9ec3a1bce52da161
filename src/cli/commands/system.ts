import { errorMessage } from "#base";
import { defineCommand } from "../command.ts";

export const systemCheck = defineCommand({
  name: "system check",
  summary:
    "Put in order what killed processes left, then read every byte of every image and name what is damaged",
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
    const repaired = await engine.containers.repair();
    await io.stdout.write(repaired.map((text) => `Repaired: ${text}.\n`).join(""));
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
