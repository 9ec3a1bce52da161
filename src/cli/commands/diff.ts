import { defineCommand } from "../command.ts";

const letters = { added: "A", changed: "C", deleted: "D" } as const;

export const diff = defineCommand({
  name: "diff",
  summary: "Show what a container changed in its image's files",
  usage: "CONTAINER",
  flags: {},
  arity: { min: 1, max: 1 },
  argument: "container",
  examples: [
    { command: "lighter diff web", explains: "List what was added (A), changed (C) and deleted (D)" },
  ],
  async run({ args, io, openEngine }) {
    await using engine = await openEngine();
    const changes = await engine.containers.diff(args[0] ?? "");
    await io.stdout.write(changes.map(({ kind, path }) => `${letters[kind]} ${path}\n`).join(""));
    return 0;
  },
});
