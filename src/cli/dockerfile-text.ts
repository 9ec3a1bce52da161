import { readFileSync } from "node:fs";
import { errorMessage, LighterError, systemErrorCode } from "#base";

/** The text of a Dockerfile or an ignore file that the user named. @throws DOCKERFILE_NOT_FOUND */
export function readDockerfileText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const state = systemErrorCode(error) === "ENOENT" ? "no such file" : errorMessage(error);
    throw new LighterError("DOCKERFILE_NOT_FOUND", `cannot read "${path}": ${state}`, { cause: error });
  }
}
