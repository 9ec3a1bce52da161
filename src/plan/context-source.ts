import type { PlanContext } from "./context.ts";
import { fault } from "./fault.ts";
import { findGitReference } from "./git-reference.ts";
import type { Edge, Op } from "./graph.ts";
import { gitOp } from "./remote-source.ts";
import type { NamedContext } from "./request.ts";

/** The tree of the main build context. */
export function mainContextTree(context: PlanContext): Edge {
  const { mainContext = { kind: "local" } } = context.options;
  return addSource(context, "context", { given: mainContext, name: "[internal] load build context" });
}

/** The tree of a named context that is no image. */
export function contextTree(context: PlanContext, name: string, given: NamedContext): Edge {
  const what = given.kind === "git" || given.kind === "http" ? given.url : "load from client";
  return addSource(context, name, { given, name: `[context ${name}] ${what}` });
}

function addSource(
  context: PlanContext,
  name: string,
  source: { readonly given: NamedContext; readonly name: string },
): Edge {
  return context.builder.add({ op: sourceOp(context, name, source.given), inputs: [], name: source.name });
}

function sourceOp(context: PlanContext, name: string, given: NamedContext): Op {
  switch (given.kind) {
    case "local":
      return Object.freeze({ kind: "local", context: name });
    case "git": {
      const reference = findGitReference(given.url);
      if (reference === undefined) throw fault(`invalid git context ${given.url}`);
      return gitOp(reference, keepsGitDir(context) ? { keepGitDir: true } : {});
    }
    case "http":
      return Object.freeze({ kind: "http", url: given.url, filename: "context" });
    case "image":
      throw fault(`cannot read the files of context "${name}": it is an image; use it with FROM or --from`);
  }
}

function keepsGitDir({ buildArgs }: PlanContext): boolean {
  return /^(?:1|t|T|true|TRUE|True)$/.test(buildArgs.get("BUILDKIT_CONTEXT_KEEP_GIT_DIR") ?? "");
}
