import { constants } from "node:os";
import { LighterError } from "#base";

/** The number of a signal as docker takes it: `SIGTERM`, `term`, `15`, `RTMIN+3`. @throws CONTAINER_INVALID */
export function signalNumber(text: string): number {
  const word = text.trim().toUpperCase().replace(/^SIG/, "");
  if (/^\d{1,2}$/.test(word) && Number(word) >= 1 && Number(word) <= 64) return Number(word);
  const known: Readonly<Record<string, number | undefined>> = constants.signals;
  const plain = known[`SIG${word}`];
  if (plain !== undefined) return plain;
  const real = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(word);
  const number = real === null ? 0 : realTime(real[1] === "MIN" ? 34 : 64, real[2], real[3]);
  if (number >= 34 && number <= 64) return number;
  throw new LighterError("CONTAINER_INVALID", `cannot use signal "${text}": there is none of that name`);
}

function realTime(base: number, sign: string | undefined, count: string | undefined): number {
  return base + (sign === "-" ? -1 : 1) * Number(count ?? 0);
}
