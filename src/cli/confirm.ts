import { createInterface } from "node:readline";
import type { Io } from "./io.ts";

/** Asks before something is lost: `y` is a yes, from a terminal or a pipe; the end of the input is a no, as docker's. */
export async function confirm(io: Pick<Io, "stdin" | "stdout">, warning: string): Promise<boolean> {
  await io.stdout.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: io.stdin });
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
