import type { ContainerOptions } from "#container";
import type { Flags, FlagValues } from "./command.ts";

/** Limits and privileges of a container. */
export const limitFlags = {} as const satisfies Flags;

/** @throws ARGUMENT_INVALID */
export function limitOptions(_flags: FlagValues<typeof limitFlags>): Partial<ContainerOptions> {
  return {};
}
