import type { Edge } from "./graph.ts";
import type { Step } from "./step.ts";

/** A tree with one file in its root: a heredoc. */
export function inlineFile(
  { context }: Step,
  file: { readonly name: string; readonly content: string; readonly mode: number },
): Edge {
  const action = { kind: "mkfile" as const, path: `/${file.name}`, mode: file.mode, content: file.content };
  return context.builder.add({
    op: Object.freeze({ kind: "file", actions: Object.freeze([Object.freeze(action)]) }),
    inputs: [],
    name: "[internal] preparing inline document",
  });
}
