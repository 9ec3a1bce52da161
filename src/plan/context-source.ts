import type { PlanContext } from "./context.ts";
import { fault } from "./fault.ts";
import { findGitReference } from "./git-reference.ts";
import type { Edge, Op, Vertex } from "./graph.ts";
import { GraphBuilder, type VertexParts } from "./graph-builder.ts";
import { gitOp } from "./remote-source.ts";
import type { NamedContext } from "./request.ts";

/** The tree of the main build context. */
export function mainContextTree(context: PlanContext): Edge {
  const { mainContext = { kind: "local" } } = context.options;
  return context.builder.add(mainSource(mainContext, context.buildArgs));
}

/** The step by which the main context comes, before anything is planned: the Dockerfile may be in it. */
export function mainContextVertex(
  given: NamedContext,
  buildArgs: Readonly<Record<string, string>> = {},
): Vertex | undefined {
  const builder = new GraphBuilder();
  const edge = builder.add(mainSource(given, new Map(Object.entries(buildArgs))));
  return builder.finish(edge, () => undefined).vertices.get(edge.vertex);
}

function mainSource(given: NamedContext, buildArgs: BuildArgs): VertexParts {
  const names: Readonly<Partial<Record<NamedContext["kind"], string>>> = {
    git: `[internal] load git source ${"url" in given ? withoutPassword(given.url) : ""}`,
    http: "[internal] load remote build context",
    upload: "[internal] load remote build context",
  };
  const name = names[given.kind] ?? "[internal] load build context";
  return { op: sourceOp("context", given, buildArgs), inputs: [], name };
}

/** The tree of a named context that is no image. */
export function contextTree(context: PlanContext, name: string, given: NamedContext): Edge {
  const what = "url" in given ? withoutPassword(given.url) : "load from client";
  return context.builder.add({
    op: sourceOp(name, given, context.buildArgs),
    inputs: [],
    name: `[context ${name}] ${what}`,
  });
}

type BuildArgs = ReadonlyMap<string, string>;

function sourceOp(name: string, given: NamedContext, buildArgs: BuildArgs): Op {
  switch (given.kind) {
    case "local":
      return Object.freeze({ kind: "local", context: name });
    case "git": {
      const reference = findGitReference(given.url);
      if (reference === undefined) throw fault(`invalid git context ${given.url}`);
      return gitOp(reference, gitOverrides(name, buildArgs));
    }
    case "http":
      return Object.freeze({
        kind: "http",
        url: given.url,
        filename: "context",
        ...(given.unpack === true && { unpack: true }),
      });
    case "upload":
      return Object.freeze({ kind: "upload", digest: given.digest });
    case "image":
      throw fault(`cannot read the files of context "${name}": it is an image; use it with FROM or --from`);
  }
}

/** Only of the main context: a named one has what its URL says. */
function gitOverrides(name: string, buildArgs: BuildArgs): { readonly keepGitDir?: boolean } {
  const keeps = /^(?:1|t|T|true|TRUE|True)$/.test(buildArgs.get("BUILDKIT_CONTEXT_KEEP_GIT_DIR") ?? "");
  return name === "context" && keeps ? { keepGitDir: true } : {};
}

function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, "$1");
}
