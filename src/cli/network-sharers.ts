import { type ContainerRecord, isLive } from "#container";
import type { NetworkView } from "#network";
import type { CliEngine } from "./engine-port.ts";

/** The containers that run on the host's network or on none: the network room gives them no endpoint and lists none. */
export async function sharersOf(
  engine: CliEngine,
  { name, driver }: NetworkView,
): Promise<readonly ContainerRecord[]> {
  if (driver !== "host" && driver !== "null") return [];
  const all = await engine.containers.list();
  return all.filter(({ network, state }) => network.name === name && isLive(state));
}
