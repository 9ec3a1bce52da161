import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A place for the store of a command that keeps nothing, where its user may open none; gone with the command. */
export interface ScratchStore extends Disposable {
  readonly root: () => string;
}

/** Nothing is made before the place is asked for. */
export function scratchStore(): ScratchStore {
  let made: string | undefined;
  return {
    root: () => {
      made ??= mkdtempSync(join(tmpdir(), "lighter-"));
      return made;
    },
    [Symbol.dispose]() {
      if (made !== undefined) rmSync(made, { recursive: true, force: true });
    },
  };
}
