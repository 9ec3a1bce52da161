import { errorMessage } from "#base";
import type { HealthcheckInstruction, InstructionSource } from "../ast.ts";
import { parseDuration } from "../duration.ts";
import { type FlagValues, readFlagValues } from "../flags.ts";
import { quote } from "../go-text.ts";
import { Refusal } from "../refusal.ts";
import { requireArguments } from "./arguments.ts";

const MINIMUM_NS = 1e6;
const MAX_RETRIES = 2 ** 31;

export function healthcheckInstruction(source: InstructionSource): HealthcheckInstruction {
  requireArguments(source, "HEALTHCHECK");
  const [type, ...words] = source.words;
  const name = type?.value.toUpperCase() ?? "";
  const args = words.map((word) => word.value);
  if (name === "NONE") return none(source, args);
  const flags = readFlagValues(source, {
    interval: "text",
    timeout: "text",
    "start-period": "text",
    "start-interval": "text",
    retries: "text",
  });
  if (name !== "CMD")
    throw new Refusal("instruction/value", `Unknown type ${quote(name)} in HEALTHCHECK (try CMD)`, {
      range: type?.range,
      hint: "write HEALTHCHECK CMD command, or HEALTHCHECK NONE",
    });
  if (args.length === 0) throw new Refusal("instruction/arguments", "Missing command after HEALTHCHECK CMD");
  return Object.freeze({
    kind: "HEALTHCHECK",
    test: Object.freeze([source.json ? "CMD" : "CMD-SHELL", ...args]),
    intervalNs: duration(source, flags, "interval"),
    timeoutNs: duration(source, flags, "timeout"),
    startPeriodNs: duration(source, flags, "start-period"),
    startIntervalNs: duration(source, flags, "start-interval"),
    retries: retries(source, flags),
    ...source,
  });
}

function none(source: InstructionSource, args: readonly string[]): HealthcheckInstruction {
  if (args.length > 0) throw new Refusal("instruction/arguments", "HEALTHCHECK NONE takes no arguments");
  const test = Object.freeze(["NONE"]);
  const inherit = { intervalNs: 0, timeoutNs: 0, startPeriodNs: 0, startIntervalNs: 0, retries: 0 };
  return Object.freeze({ kind: "HEALTHCHECK", test, ...inherit, ...source });
}

function duration(source: InstructionSource, flags: FlagValues, name: string): number {
  const text = flags.text(name);
  if (text === undefined) return 0;
  const ns = readDuration(source, name, text);
  if (ns === 0 || ns >= MINIMUM_NS) return ns;
  throw refuse(source, name, `Interval ${quote(name)} cannot be less than 1ms`);
}

function readDuration(source: InstructionSource, name: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw refuse(source, name, errorMessage(error));
  }
}

function retries(source: InstructionSource, flags: FlagValues): number {
  const text = flags.text("retries");
  if (text === undefined) return 0;
  const fail = (reason: string) =>
    refuse(source, "retries", `strconv.ParseInt: parsing ${quote(text)}: ${reason}`);
  if (!/^[+-]?[0-9]+$/.test(text)) throw fail("invalid syntax");
  const count = Number(text);
  if (count >= MAX_RETRIES || count < -MAX_RETRIES) throw fail("value out of range");
  if (count < 0) throw refuse(source, "retries", `--retries cannot be negative (${count})`);
  return count;
}

function refuse(source: InstructionSource, name: string, message: string): Refusal {
  const range = source.flags.find((flag) => flag.name === name)?.range;
  return new Refusal("instruction/flag", message, { range });
}
