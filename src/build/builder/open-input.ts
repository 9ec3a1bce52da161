import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { LighterError } from "#base";
import type { Host } from "#host";
import { mainContextVertex, type NamedContext, type Vertex } from "#plan";
import type { Snapshotter } from "#snapshot";
import { isArchive } from "../ops/archive-file.ts";
import { type Streamed, storeStream } from "../remote/archive-tree.ts";
import type { CacheStore } from "../solve/cache-store.ts";
import type { Sources } from "../solve/solver.ts";
import { LayeredTree } from "../tree/layered-tree.ts";
import { resolveInTree } from "../tree/resolve.ts";
import { cleanPath, type Tree } from "../tree/tree.ts";
import { type BuildInput, readDockerfile, readInput } from "./read-dockerfile.ts";
import type { BuildRequest, RemoteContextRequest } from "./request.ts";

/** What a context from elsewhere is brought with. */
export interface InputTools {
  readonly host: Host;
  readonly snapshots: Snapshotter;
  readonly cache: CacheStore;
  /** Where partial files go. */
  readonly directory: string;
  /** Get repositories and files; the build asks the same ones again, and finds what they brought. */
  readonly sources: Sources;
  /** Told of each step before it starts. */
  readonly onStep: (vertex: Vertex) => void;
}

/**
 * Reads the Dockerfile, wherever it is, and brings a context that is elsewhere.
 * @throws CONTEXT_NOT_FOUND, DOCKERFILE_NOT_FOUND, CONTEXT_INVALID, SOURCE_UNREACHABLE, ARCHIVE_INVALID, CANCELLED
 */
export async function openInput(request: BuildRequest, tools: InputTools): Promise<BuildInput> {
  const opening: Opening = { request, tools, signal: request.signal ?? new AbortController().signal };
  const { remoteContext, dockerfile, context } = request;
  const given =
    dockerfile !== undefined && "url" in dockerfile
      ? await fetchDockerfile(dockerfile.url, opening)
      : dockerfile;
  if (remoteContext !== undefined) return await openRemote(remoteContext, given, opening);
  return readInput({
    ...(context !== undefined && { context }),
    ...(given !== undefined && { dockerfile: given }),
  });
}

interface Opening {
  readonly request: BuildRequest;
  readonly tools: InputTools;
  readonly signal: AbortSignal;
}

type GivenDockerfile = { readonly path: string } | { readonly text: string } | undefined;

async function openRemote(
  context: RemoteContextRequest,
  dockerfile: GivenDockerfile,
  opening: Opening,
): Promise<BuildInput> {
  switch (context.kind) {
    case "stream":
      return await openStream(context.chunks, dockerfile, opening);
    case "git":
      return readFrom(context, await fetchTree(context, opening), dockerfile);
    case "http": {
      const tree = await fetchTree(context, opening);
      const file = tree.find(downloaded);
      if (file === undefined || !(await isArchive(file, opening.tools.host)))
        return readFrom(context, tree, dockerfile ?? { path: downloaded }, context.url);
      const unpacked: NamedContext = { ...context, unpack: true };
      return readFrom(unpacked, await fetchTree(unpacked, opening), dockerfile);
    }
  }
}

/** What a file from the web is called in its tree. */
const downloaded = "context";

async function openStream(
  chunks: AsyncIterable<Uint8Array>,
  dockerfile: GivenDockerfile,
  opening: Opening,
): Promise<BuildInput> {
  const streamed: Streamed = await storeStream(chunks, { ...opening.tools, signal: opening.signal });
  if (streamed.kind === "archive") {
    const given: NamedContext = { kind: "upload", digest: streamed.digest };
    return readFrom(given, await fetchTree(given, opening), dockerfile);
  }
  if (streamed.bytes.length === 0)
    throw new LighterError("CONTEXT_INVALID", "cannot build from standard input: it is empty");
  if (dockerfile !== undefined)
    throw new LighterError(
      "CONTEXT_INVALID",
      "cannot build from standard input: it is no archive, and the Dockerfile is given by --file; give one of them, or a directory",
    );
  return { context: undefined, dockerfile: streamed.bytes, dockerfilePath: "-", ignore: undefined };
}

async function fetchTree(given: NamedContext, { request, tools, signal }: Opening): Promise<Tree> {
  const vertex = mainContextVertex(given, request.buildArgs);
  if (vertex === undefined) throw new LighterError("INTERNAL", "cannot plan the build context");
  tools.onStep(vertex);
  const result = await tools.sources.fetch(vertex, signal);
  if (result.snapshot === undefined) throw new LighterError("INTERNAL", "the build context has no tree");
  return new LayeredTree(tools.snapshots.layers(result.snapshot), tools.host.files);
}

/** The Dockerfile in a context that was brought, or beside it. `name` is what messages call it. */
function readFrom(
  mainContext: NamedContext,
  tree: Tree,
  dockerfile: GivenDockerfile,
  name?: string,
): BuildInput {
  const common = { context: undefined, mainContext, ignore: undefined };
  if (dockerfile !== undefined && "text" in dockerfile)
    return { ...common, dockerfile: Buffer.from(dockerfile.text), dockerfilePath: "-" };
  const path = dockerfile?.path;
  const names = path === undefined ? ["Dockerfile", "dockerfile"] : [path];
  for (const candidate of names) {
    const bytes = readInTree(tree, candidate);
    if (bytes !== undefined) return { ...common, dockerfile: bytes, dockerfilePath: name ?? candidate };
  }
  if (path !== undefined && isAbsolute(path))
    return { ...common, dockerfile: readDockerfile(path), dockerfilePath: path };
  throw new LighterError(
    "DOCKERFILE_NOT_FOUND",
    `cannot read Dockerfile "${names[0] ?? ""}": no such file in the build context; name it with --file`,
  );
}

/** A file of a tree, through links inside it only. */
function readInTree(tree: Tree, path: string): Uint8Array | undefined {
  const entry = tree.find(resolveInTree(tree, cleanPath(path), true));
  if (entry?.kind !== "file") return undefined;
  const fd = openSync(entry.location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

async function fetchDockerfile(url: string, opening: Opening): Promise<{ readonly text: string }> {
  const tree = await fetchTree({ kind: "http", url }, opening);
  const bytes = readInTree(tree, downloaded);
  if (bytes !== undefined) return { text: Buffer.from(bytes).toString() };
  throw new LighterError("DOCKERFILE_NOT_FOUND", `cannot read Dockerfile "${url}": it is no file`);
}
