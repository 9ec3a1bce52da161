import type { Command, Flag, Flags } from "./command.ts";
import { commandGroups, loadCommands } from "./commands.ts";
import { globalFlags } from "./parse-flags.ts";

/** The page of one command. */
export function commandHelp(command: Command): string {
  const parts = [
    `Usage:  lighter ${command.name} ${command.usage}`.trimEnd(),
    command.summary,
    `Examples:\n${command.examples
      .map((example) => `  $ ${example.command}\n      ${example.explains}`)
      .join("\n")}`,
  ];
  const { help: _, ...shared } = globalFlags;
  if (Object.keys(command.flags).length > 0) parts.push(`Options:\n${flagLines(command.flags)}`);
  parts.push(`Options of every command:\n${flagLines(shared)}`);
  return `${parts.join("\n\n")}\n`;
}

/** The page that `lighter` alone shows. */
export async function overview(): Promise<string> {
  const commands = await loadCommands();
  const single = commands.filter((command) => !command.name.includes(" "));
  const { help: _, ...shared } = globalFlags;
  return [
    "Usage:  lighter [OPTIONS] COMMAND",
    "Builds, shrinks and runs container images on Linux, with no daemon",
    `Start here:
  $ lighter build -t hello .
      Build the Dockerfile of this directory into an image called hello
  $ lighter run --rm hello
      Run it in a container that is removed afterwards`,
    `Commands:\n${columns(single.map((command) => [command.name, command.summary]))}`,
    `Groups:\n${columns(Object.entries(commandGroups))}`,
    `Options:\n${flagLines(shared)}`,
    "Run 'lighter COMMAND --help' for more information on a command\n",
  ].join("\n\n");
}

/** The page of a group (`lighter image`). */
export async function groupHelp(group: string): Promise<string> {
  const commands = (await loadCommands()).filter((command) => command.name.startsWith(`${group} `));
  return [
    `Usage:  lighter ${group} COMMAND`,
    commandGroups[group] ?? "",
    `Commands:\n${columns(commands.map((command) => [command.name.slice(group.length + 1), command.summary]))}`,
    `Run 'lighter ${group} COMMAND --help' for more information on a command\n`,
  ].join("\n\n");
}

/** One line a flag: `  -t, --tag NAME:TAG   summary`. */
export function flagLines(flags: Flags): string {
  return columns(Object.entries(flags).map(([name, flag]) => [flagLabel(name, flag), flag.summary]));
}

/** `-t, --tag NAME:TAG`. */
export function flagLabel(name: string, flag: Flag): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = flag.kind === "boolean" ? "" : ` ${flag.choices?.join("|") ?? flag.value ?? "VALUE"}`;
  return `${short}--${name}${value}`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(34, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows
    .map(([left, right]) =>
      left.length > width
        ? `  ${left}\n  ${" ".repeat(width)}  ${right}`
        : `  ${left.padEnd(width)}  ${right}`,
    )
    .join("\n");
}
