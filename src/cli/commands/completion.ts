import { LighterError } from "#base";
import { defineCommand } from "../command.ts";

const shells = ["bash", "zsh", "fish"] as const;

export const completion = defineCommand({
  name: "completion",
  summary: "Print the completion script of a shell",
  usage: "bash|zsh|fish",
  flags: {},
  arity: { min: 1, max: 1 },
  argument: "shell",
  examples: [
    {
      command: "lighter completion bash > /etc/bash_completion.d/lighter",
      explains: "Complete commands, flags and image names in every new bash",
    },
    {
      command: "lighter completion fish > ~/.config/fish/completions/lighter.fish",
      explains: "The same for fish",
    },
  ],
  async run({ args, io }) {
    const { completionScript } = await import("../completion-script.ts");
    const { loadCommands } = await import("../commands.ts");
    const shell = shells.find((name) => name === args[0]);
    if (shell === undefined)
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot complete for "${args[0]}": want ${shells.join(", ")}`,
      );
    await io.stdout.write(completionScript(shell, await loadCommands()));
    return 0;
  },
});
