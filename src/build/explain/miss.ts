import type { Digest } from "#oci";
import type { StepId } from "../events.ts";

/** Why a step had to run: what is different from its last run in this store. */
export type Miss =
  /** No run of it is known. */
  | { readonly kind: "new" }
  /** `--no-cache`, `--no-cache-filter`. */
  | { readonly kind: "uncached" }
  /** It ran last time and did not end well. */
  | { readonly kind: "unfinished" }
  /** Nothing is different: what it gave was pruned. */
  | { readonly kind: "pruned" }
  /** Another command, or another instruction altogether. */
  | { readonly kind: "instruction" }
  /** What holds for RUN, in the words of the Dockerfile or the command line: `WORKDIR`, `--mount`. */
  | { readonly kind: "options"; readonly options: readonly string[] }
  | { readonly kind: "variables"; readonly variables: readonly VariableChange[] }
  | {
      readonly kind: "files";
      /** `context`, or the name of a named context. */
      readonly context: string;
      readonly files: readonly FileChange[];
    }
  | {
      readonly kind: "base";
      readonly name: string;
      /** Of the manifests; absent when nobody noted it. */
      readonly before?: Digest;
      readonly now?: Digest;
    }
  /** A step that it stands on gave something else; `step` says why. */
  | { readonly kind: "step"; readonly step: StepId; readonly name: string };

/** A variable by name: its values may be nobody's business. */
export interface VariableChange {
  readonly from: "ARG" | "ENV";
  readonly name: string;
  readonly change: "changed" | "set" | "unset";
}

export interface FileChange {
  /** In the context, without a leading slash. */
  readonly path: string;
  /** `attributes`: the bytes are the same; mode, extended attributes or links are not. */
  readonly change: "changed" | "new" | "removed" | "attributes";
}

const shownFiles = 3;

/** The reason as a person reads it: `src/app.js changed`. */
export function missText(miss: Miss): string {
  switch (miss.kind) {
    case "new":
      return "it was not built before";
    case "uncached":
      return "caching is switched off for it";
    case "unfinished":
      return "it did not end well the last time";
    case "pruned":
      return "its result is no longer in the store";
    case "instruction":
      return "the instruction changed";
    case "options":
      return `${miss.options.join(", ")} changed`;
    case "variables":
      return miss.variables.map(variableText).join(", ");
    case "files":
      return filesText(miss.files);
    case "base":
      return baseText(miss);
    case "step":
      return `${miss.name} changed`;
  }
}

function variableText({ from, name, change }: VariableChange): string {
  const words = { changed: "changed", set: "is set now", unset: "is no longer set" };
  return `${from} ${name} ${words[change]}`;
}

function filesText(files: readonly FileChange[]): string {
  if (files.length === 0) return "files it takes have other names";
  const words = {
    changed: "changed",
    new: "is new",
    removed: "was removed",
    attributes: "has another mode or other attributes",
  };
  const shown = files.slice(0, shownFiles).map(({ path, change }) => `${path || "/"} ${words[change]}`);
  const more = files.length > shownFiles ? ` and ${files.length - shownFiles} more` : "";
  return `${shown.join(", ")}${more}`;
}

function baseText({ name, before, now }: Extract<Miss, { readonly kind: "base" }>): string {
  const short = (digest: Digest): string => digest.slice(0, "sha256:".length + 12);
  const digests = before === undefined || now === undefined ? "" : `: ${short(before)} is now ${short(now)}`;
  return `the base ${name} changed${digests}`;
}
