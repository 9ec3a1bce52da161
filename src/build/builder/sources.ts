import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import type { IgnoreMatcher } from "#dockerfile";
import { compileIgnore } from "#dockerfile";
import type { Files } from "#host";
import { chainId } from "#oci";
import type { ImageOp, LocalOp, Vertex } from "#plan";
import { type ContextSource, openContext } from "../context/context-source.ts";
import type { Base } from "../ports.ts";
import { hashKey } from "../solve/keys.ts";
import type { ContextResult, TreeResult } from "../solve/result.ts";
import type { Sources } from "../solve/solver.ts";
import type { LayerOrigins } from "../times/layer-origins.ts";
import type { FilePool } from "../work/file-pool.ts";
import type { EventJournal } from "./event-journal.ts";
import { type BuildPaths, indexFile } from "./paths.ts";
import { baseName } from "./plan-build.ts";

export interface SourceOptions {
  readonly paths: BuildPaths;
  readonly files: Files;
  readonly bases: ReadonlyMap<string, Base>;
  readonly origins: LayerOrigins;
  readonly journal: EventJournal;
  /** Directories by name of the context; `context` is the main one. */
  readonly directories: ReadonlyMap<string, string>;
  readonly ignore: IgnoreMatcher | undefined;
  /** Threads that read files. */
  readonly pool: FilePool;
  /** Sources over the network. */
  readonly remote: Sources;
}

export interface BuildSources extends Sources {
  /** Keeps what was learned of the contexts, and ends their steps when a failure left them open. */
  finish(): void;
  /** A context that was read in place. */
  context(name: string): ContextSource | undefined;
}

/** Images, directories and remote files, as the solver asks for them. */
export function createSources(options: SourceOptions): BuildSources {
  const opened = new Map<string, { readonly vertex: Vertex; readonly source: ContextSource }>();
  const tellRead = () => {
    for (const { vertex, source } of opened.values()) options.journal.contextRead(vertex, source);
  };
  return {
    async identify(vertex, signal) {
      const { op } = vertex;
      if (op.kind === "image") return identifyImage(op, options);
      if (op.kind !== "local") return await options.remote.identify(vertex, signal);
      const known = opened.get(op.context)?.source;
      if (known !== undefined) return contextResult(known);
      options.journal.started(vertex);
      const source = openLocal(op, options);
      opened.set(op.context, { vertex, source });
      return contextResult(source);
    },
    async fetch(vertex, signal) {
      const { op } = vertex;
      if (op.kind === "image") return await fetchImage(vertex, op, { options, signal });
      return await options.remote.fetch(vertex, signal);
    },
    context: (name) => opened.get(name)?.source,
    probed: tellRead,
    finish() {
      for (const { source } of opened.values()) source.save();
      tellRead();
    },
  };
}

function contextResult(source: ContextSource): ContextResult {
  return { kind: "context", source };
}

function openLocal(op: LocalOp, options: SourceOptions): ContextSource {
  // A Dockerfile that came alone has an empty context.
  const alone = op.context === "context" ? options.paths.empty : undefined;
  const directory = options.directories.get(op.context) ?? alone;
  if (directory === undefined)
    throw new LighterError(
      "CONTEXT_NOT_FOUND",
      `cannot use context "${op.context}": the build was given none; name a directory`,
    );
  return openContext(directory, {
    indexFile: indexFile(options.paths, directory),
    ignore: op.context === "context" ? options.ignore : ownIgnore(directory),
    files: options.files,
    pool: options.pool,
  });
}

/** A named context has an ignore file of its own. */
function ownIgnore(directory: string): IgnoreMatcher | undefined {
  const path = join(directory, ".dockerignore");
  return existsSync(path) ? compileIgnore(readFileSync(path)) : undefined;
}

/** Images with the same layers are the same tree, whatever they are called. */
function identifyImage(op: ImageOp, options: SourceOptions): TreeResult {
  const { base, diffIds } = baseOf(op, options);
  const id = hashKey("image", chainId(diffIds) ?? base.digest);
  return { kind: "tree", id, origin: options.origins.find(diffIds) };
}

function baseOf(
  op: ImageOp,
  { bases }: SourceOptions,
): { base: Base; diffIds: Base["config"]["rootfs"]["diff_ids"] } {
  const base = bases.get(baseName(op));
  if (base === undefined)
    throw new LighterError("INTERNAL", `cannot build: base "${baseName(op)}" was planned but not resolved`);
  return { base, diffIds: base.layers.map(({ diffId }) => diffId) };
}

async function fetchImage(
  vertex: Vertex,
  op: ImageOp,
  { options, signal }: { readonly options: SourceOptions; readonly signal: AbortSignal },
): Promise<TreeResult> {
  const { base } = baseOf(op, options);
  const known = identifyImage(op, options);
  options.journal.started(vertex);
  const snapshot = await base.snapshot(signal);
  options.journal.finished(vertex);
  return { ...known, ...(snapshot !== undefined && { snapshot }) };
}
