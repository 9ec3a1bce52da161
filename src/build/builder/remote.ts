import { LighterError } from "#base";
import type { Host } from "#host";
import type { Vertex } from "#plan";
import type { Snapshotter } from "#snapshot";
import type { Sources } from "../solve/solver.ts";
import type { EventJournal } from "./event-journal.ts";
import type { BuildRequest } from "./request.ts";

export interface RemoteOptions {
  readonly host: Host;
  readonly snapshots: Snapshotter;
  readonly directory: string;
  readonly journal: EventJournal;
  readonly request: BuildRequest;
}

/** Files and repositories from the network. */
export function createRemoteSources(_options: RemoteOptions): Sources {
  const refuse = async (vertex: Vertex): Promise<never> => {
    throw new LighterError("SOURCE_UNREACHABLE", `cannot fetch "${vertex.name}": not supported yet`);
  };
  return { identify: refuse, fetch: refuse };
}
