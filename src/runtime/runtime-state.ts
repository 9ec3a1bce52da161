import { join } from "node:path";
import type { Runtime } from "./runtime.ts";

/** Where a runtime keeps its state for the containers of one store. No container id begins with a stop. */
export function stateDirectoryOf(runDirectory: string, name: Runtime["name"]): string {
  return join(runDirectory, `.${name}`);
}
