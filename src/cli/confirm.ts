import { createInterface } from "node:readline";
import { LighterError } from "#base";
import type { Io } from "./io.ts";

/** Asks before something is lost; without a terminal there is nobody to ask. @throws USAGE */
export async function confirm(io: Pick<Io, "stdin" | "stdout">, warning: string): Promise<boolean> {
  if (io.stdin.isTTY !== true)
    throw new LighterError("USAGE", "cannot ask: the standard input is not a terminal; use --force");
  await io.stdout.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: io.stdin });
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
