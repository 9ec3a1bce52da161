import type { Command, Flags } from "../command.ts";
import { flagLabel } from "../help.ts";
import { globalFlags } from "../parse-flags.ts";

/** docs/commands.md: every command with its options and examples, from the table that also parses them. */
export function commandsPage(commands: readonly Command[]): string {
  const { help: _, ...shared } = globalFlags;
  return `${[
    "# Commands",
    "<!-- Written by `UPDATE_DOCS=1 node scripts/test.mjs src/cli`; a test holds it to the commands. -->",
    "The words are docker's wherever docker has a word. Options may stand joined (`-itd`, `-p80:80`, `--tag=x`); `--flag=false` switches one off; `--` ends them.",
    `Options of every command, before or after its name:\n\n${flagTable(shared)}`,
    ...commands.map(commandSection),
  ].join("\n\n")}\n`;
}

function commandSection(command: Command): string {
  const examples = command.examples
    .map(({ command: line, explains }) => `# ${explains}\n${line}`)
    .join("\n\n");
  const parts = [
    `## lighter ${command.name}`,
    `${command.summary}.`,
    `\`\`\`\nlighter ${command.name} ${command.usage}`.trimEnd() + "\n```",
    `\`\`\`sh\n${examples}\n\`\`\``,
  ];
  if (Object.keys(command.flags).length > 0) parts.push(flagTable(command.flags));
  return parts.join("\n\n");
}

function flagTable(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, flag]) => {
    const label = flagLabel(name, flag).trim().replaceAll("|", "\\|");
    return `| \`${label}\` | ${flag.summary} |`;
  });
  return ["| option | meaning |", "|---|---|", ...rows].join("\n");
}
