import { LighterError } from "#base";
import type { Command } from "./command.ts";

/**
 * A mistake on the command line, in docker's form: the mistake, the usage line, where to read more. Status 125 for a flag
 * (as docker), 1 for a wrong number of arguments.
 */
export function usageError(
  command: Pick<Command, "name" | "usage">,
  mistake: string,
  code: "USAGE" | "ARGUMENT_INVALID" = "USAGE",
): LighterError {
  return new LighterError(code, mistake, {
    details: {
      usage: `Usage:  lighter ${command.name} ${command.usage}`.trimEnd(),
      help: `lighter ${command.name} --help`,
    },
  });
}
