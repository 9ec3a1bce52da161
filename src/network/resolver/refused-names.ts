import { appendFileSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "#base";
import { labelOf, type Sandbox } from "../network-state.ts";

const largestBytes = 1024 * 1024;

/** A name that a container asked for and its policy does not have. */
export interface RefusedName {
  readonly time: string;
  readonly container: string;
  readonly name: string;
}

/** `<root>/network/refused-names.log`: a line of JSON each; of a full file one older generation is kept. */
export class RefusedNames {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, "refused-names.log");
  }

  add(sandbox: Sandbox, name: string): void {
    const entry: RefusedName = { time: new Date().toISOString(), container: labelOf(sandbox), name };
    if ((statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) > largestBytes)
      renameSync(this.#path, `${this.#path}.1`);
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
  }

  list(): readonly RefusedName[] {
    return [`${this.#path}.1`, this.#path].flatMap(readLines).flatMap((line): RefusedName[] => {
      try {
        return [JSON.parse(line)];
      } catch {
        return []; // cut short by a crash
      }
    });
  }
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
