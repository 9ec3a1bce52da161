import { LighterError } from "#base";
import type { BuildRequest } from "./request.ts";

const argument = "BUILDKIT_MULTI_PLATFORM";
const trueWords = ["1", "t", "true"];
const falseWords = ["0", "f", "false"];

/**
 * Whether the result has the form of one for several platforms: an index, a directory a platform. The build argument
 * `BUILDKIT_MULTI_PLATFORM` asks for it with a single platform too.
 * @throws ARGUMENT_INVALID
 */
export function isMultiPlatform({ buildArgs = {}, platforms = [] }: BuildRequest): boolean {
  const several = platforms.length > 1;
  const word = buildArgs[argument]?.toLowerCase() ?? "";
  if (word === "") return several;
  if (trueWords.includes(word)) return true;
  if (!falseWords.includes(word))
    throw new LighterError(
      "ARGUMENT_INVALID",
      `invalid boolean value for multi-platform: ${buildArgs[argument]}; give ${argument} true or false`,
    );
  if (several)
    throw new LighterError(
      "ARGUMENT_INVALID",
      `conflicting config: returning multiple target platforms is not allowed; leave ${argument} out, or build for one`,
    );
  return false;
}
