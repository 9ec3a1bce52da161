import { LighterError } from "#base";
import type { ContainerOptions } from "#container";
import { parseByteSize } from "./byte-size.ts";
import { keyValues } from "./key-values.ts";

/** `local` is docker's compact form: here the same lines, with its limits (five files of 20 MB). */
const drivers = {
  "json-file": { maxBytes: 0, maxFiles: 1 },
  local: { maxBytes: 20 << 20, maxFiles: 5 },
} as const;

const known = ["max-size", "max-file", "labels", "env"];

/** @throws ARGUMENT_INVALID */
export function logOptions(
  driver: string | undefined,
  words: readonly string[],
): Pick<ContainerOptions, "log"> {
  const options = keyValues(words);
  if (driver === "none") {
    if (words.length === 0) return { log: { driver: "none", options } };
    throw new LighterError("ARGUMENT_INVALID", `cannot use log option "${words[0]}": driver none has none`);
  }
  const name = driver ?? "json-file";
  if (name !== "json-file" && name !== "local")
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot log with driver "${name}": lighter has json-file, local and none`,
    );
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown !== undefined)
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot use log option "${unknown}": want ${known.join(", ")}`,
    );
  if (options["max-file"] !== undefined && !/^[1-9]\d{0,5}$/.test(options["max-file"]))
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot keep "${options["max-file"]}" log files: want a number from 1 on`,
    );
  if (driver === undefined && words.length === 0) return {};
  const { maxBytes, maxFiles } = drivers[name];
  return {
    log: {
      driver: "json-file",
      ...(name === "local" && { name }),
      options,
      maxBytes: options["max-size"] === undefined ? maxBytes : parseByteSize(options["max-size"]),
      maxFiles: options["max-file"] === undefined ? maxFiles : Number(options["max-file"]),
    },
  };
}
