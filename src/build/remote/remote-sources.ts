import { LighterError } from "#base";
import type { Host } from "#host";
import type { Vertex } from "#plan";
import type { RegistryClient } from "#registry";
import type { SnapshotName, Snapshotter } from "#snapshot";
import type { FindAgent, FindSecret } from "../exec/secret-files.ts";
import type { CacheStore } from "../solve/cache-store.ts";
import type { TreeResult } from "../solve/result.ts";
import type { Sources } from "../solve/solver.ts";
import type { TimeOrigin } from "../times/time-origin.ts";

export interface RemoteOptions {
  readonly host: Host;
  readonly snapshots: Snapshotter;
  readonly cache: CacheStore;
  /** The proxies by which git reaches repositories, as variables. */
  readonly proxyEnv: Readonly<Record<string, string>>;
  /** Where validators of web files are kept. */
  readonly directory: string;
  readonly findSecret: FindSecret;
  readonly findAgent: FindAgent;
  /** Asked for when the first file of the web is. */
  readonly web: () => Promise<Pick<RegistryClient, "openFile">>;
  readonly onStart: (vertex: Vertex) => void;
  readonly onEnd: (vertex: Vertex, isCached: boolean) => void;
  /** Told what the source is: the digest of a file, the commit of a repository. */
  readonly onResolved?: (vertex: Vertex, resolved: string) => void;
}

/** A remote source that is in the store, or the way to get it there. */
export interface RemoteTree {
  /** Identity of the content. */
  readonly id: string;
  /** The digest of a file, the commit of a repository. */
  readonly resolved: string;
  /** Gets it; called when the store has no tree of that identity. */
  make(): Promise<SnapshotName>;
  /** The origin of the tree, asked for when it was made. */
  origin(): TimeOrigin;
  /** It was brought just now, though the store has it. */
  readonly isNew?: boolean;
}

/** Files and repositories from the network. They are got while they are identified, for only their content tells who they are. */
export function createRemoteSources(options: RemoteOptions): Sources {
  const known = new Map<string, Promise<TreeResult>>();
  const get = (vertex: Vertex, signal: AbortSignal): Promise<TreeResult> => {
    const result = known.get(vertex.id) ?? getTree(vertex, options, signal);
    known.set(vertex.id, result);
    return result;
  };
  return { identify: get, fetch: get };
}

async function getTree(vertex: Vertex, options: RemoteOptions, signal: AbortSignal): Promise<TreeResult> {
  options.onStart(vertex);
  const remote = await open(vertex, options, signal);
  options.onResolved?.(vertex, remote.resolved);
  const record = options.cache.find(remote.id);
  const isThere = record?.snapshot !== undefined && options.snapshots.find(record.snapshot) !== undefined;
  if (isThere && !vertex.ignoreCache) {
    options.onEnd(vertex, remote.isNew !== true);
    return { kind: "tree", ...record };
  }
  const made = { id: remote.id, snapshot: await remote.make(), origin: remote.origin(), name: vertex.name };
  options.cache.put(remote.id, made);
  options.onEnd(vertex, false);
  return { kind: "tree", ...made };
}

async function open(vertex: Vertex, options: RemoteOptions, signal: AbortSignal): Promise<RemoteTree> {
  const { op } = vertex;
  if (op.kind === "upload") return (await import("./archive-tree.ts")).findUpload(op);
  if (op.kind === "http") {
    const { unpack, ...file } = op;
    const fetched = await (await import("./http-source.ts")).fetchFile(file, options, signal);
    if (unpack === undefined) return fetched;
    return (await import("./archive-tree.ts")).unpackedFile(op, fetched, { ...options, signal });
  }
  if (op.kind !== "git") throw new LighterError("INTERNAL", `cannot fetch a vertex of kind ${op.kind}`);
  const { findCommit, makeCheckout } = await import("./git-source.ts");
  const commit = await findCommit(op, options, signal);
  return makeCheckout(op, commit, { ...options, signal });
}
