import { isLighterError, type LighterError } from "#base";
import type { Io } from "./io.ts";

/** A failure that does not count, and whether it is told nevertheless. */
type Forgiven = "told" | "in silence";

/**
 * Does something with each container that was named, several at a time, and prints each name as it is done; a failure
 * of one is told and the others go on, as docker does.
 * @returns the exit status
 */
export async function eachContainer(
  names: readonly string[],
  io: Pick<Io, "stdout" | "stderr">,
  work: (name: string) => Promise<string | void>,
  forgive: (error: LighterError) => Forgiven | false = () => false,
): Promise<number> {
  async function attempt(name: string, before: Promise<unknown> | undefined) {
    // One that is named twice is not in its own way.
    await before;
    try {
      return { text: (await work(name)) ?? name };
    } catch (error) {
      return { error };
    }
  }
  const inTurn = new Map<string, Promise<unknown>>();
  const results = names.map((name) => {
    const result = attempt(name, inTurn.get(name));
    inTurn.set(name, result);
    return result;
  });
  let status = 0;
  for (const result of results) {
    const { text, error } = { text: undefined, error: undefined, ...(await result) };
    if (text !== undefined) await io.stdout.write(`${text}\n`);
    if (error === undefined) continue;
    if (!isLighterError(error)) throw error as Error;
    const forgiven = forgive(error);
    if (forgiven !== "in silence") await io.stderr.write(`lighter: ${error.message}\n`);
    if (forgiven === false) status = 1;
  }
  return status;
}
