import { errorMessage } from "#base";
import type { Flag, InstructionSource, RunInstruction } from "../ast.ts";
import { parseDevice } from "../device.ts";
import { readFlagValues } from "../flags.ts";
import { frozenList } from "../frozen.ts";
import { quote } from "../go-text.ts";
import { readMountFlag } from "../mount.ts";
import { Refusal } from "../refusal.ts";
import { commandLine } from "./arguments.ts";

const NETWORKS = ["default", "none", "host"] as const;
const SECURITIES = ["sandbox", "insecure"] as const;

export function runInstruction(source: InstructionSource): RunInstruction {
  const flags = readFlagValues(source, { device: "list", mount: "list", network: "text", security: "text" });
  // BuildKit judges the flags in this order.
  const devices = flags.list("device").map((flag) => readValue(flag, parseDevice));
  const mounts = flags.list("mount").map((flag) => readValue(flag, readMountFlag));
  const network = oneOf(NETWORKS, flagOf(source, "network"));
  if (network === undefined)
    throw badValue(source, "network", (value) => `invalid network mode ${quote(value)}`);
  const security = oneOf(SECURITIES, flagOf(source, "security"));
  if (security === undefined)
    throw badValue(source, "security", (value) => `security ${quote(value)} is not valid`);
  return Object.freeze({
    kind: "RUN",
    command: commandLine(source),
    mounts: frozenList(mounts),
    network,
    security,
    devices: frozenList(devices),
    ...source,
  });
}

function readValue<Value>(flag: Flag, read: (text: string) => Value): Value {
  try {
    return read(flag.value ?? "");
  } catch (error) {
    throw new Refusal("instruction/flag", errorMessage(error), { range: flag.range });
  }
}

function flagOf(source: InstructionSource, name: string): Flag | undefined {
  return source.flags.find((flag) => flag.name === name);
}

/** The first of the values is what an absent flag means. */
function oneOf<Value extends string>(values: readonly Value[], flag: Flag | undefined): Value | undefined {
  return flag === undefined ? values[0] : values.find((value) => value === flag.value);
}

function badValue(source: InstructionSource, name: string, message: (value: string) => string): Refusal {
  const flag = flagOf(source, name);
  const values = name === "network" ? NETWORKS : SECURITIES;
  const hint = `one of ${values.join(", ")}`;
  return new Refusal("instruction/flag", message(flag?.value ?? ""), { range: flag?.range, hint });
}
