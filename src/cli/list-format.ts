import { LighterError } from "#base";
import type { Flags } from "./command.ts";

/** The option by which every listing chooses its form. */
export const formatFlag = {
  format: {
    kind: "string",
    value: "table|json",
    summary: "How to print: a table, or one JSON object a line",
  },
} as const satisfies Flags;

/** @throws ARGUMENT_INVALID for a Go template */
export function parseListFormat(text: string | undefined): "table" | "json" {
  if (text === undefined || text === "table" || text === "") return "table";
  if (text === "json") return "json";
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot print with --format "${text}": Go templates are not supported yet; use table or json`,
  );
}

/** One JSON object a line, as docker's `--format json`. */
export function jsonLines(objects: readonly unknown[]): string {
  return objects.map((object) => `${JSON.stringify(object)}\n`).join("");
}
