import { type DockerfileFile, type IgnoreMatcher, type Reporter, suggest } from "#dockerfile";
import type { Platform } from "#oci";
import type { EpochSource } from "./epoch.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { ImageDraft } from "./image-draft.ts";
import type { PlanOptions, ResolvedBase } from "./request.ts";
import type { OutlineArg, StageTable } from "./stage-state.ts";

/** What all steps of planning share. */
export interface PlanContext {
  readonly file: DockerfileFile;
  readonly options: PlanOptions;
  /** `--build-arg`, as far as it still counts. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** Variables before the first FROM: platform arguments and global ARGs. */
  readonly globalEnv: ReadonlyMap<string, string>;
  readonly globalArgs: ReadonlyMap<string, OutlineArg>;
  readonly targetPlatform: Platform;
  readonly isTargetImplicit: boolean;
  /** What a stage has for an image before its base is known. */
  readonly noImage: ImageDraft;
  readonly epochSeconds?: number;
  readonly epochSource?: EpochSource;
  readonly table: StageTable;
  readonly builder: GraphBuilder;
  readonly reporter: Reporter;
  /** The option nearest to a word that is none of them; empty when none is near. */
  readonly suggest: (word: string, options: Iterable<string>) => string;
  readonly bases: ReadonlyMap<string, ResolvedBase>;
  readonly ignore?: IgnoreMatcher;
  /** The ignore file leaves out all that stands at the root. */
  readonly ignoresRoot: boolean;
  /** Paths wanted of each local context by its name; the main one is `context`. */
  readonly contextPaths: Map<string, Set<string>>;
}

const maxComparisons = 100_000;

/**
 * Makes {@link PlanContext.suggest}. After so many comparisons that no honest file needs them it suggests nothing
 * more: ten thousand unknown variables among ten thousand known ones would take minutes.
 */
export function createSuggest(): PlanContext["suggest"] {
  let comparisons = 0;
  return (word, options) => {
    if (comparisons >= maxComparisons) return "";
    const known = [...options];
    comparisons += known.length;
    return suggest(word, known) ?? "";
  };
}

/** The set of paths that are wanted of a local context. */
export function pathsOfContext(context: PlanContext, name: string): Set<string> {
  const known = context.contextPaths.get(name);
  if (known !== undefined) return known;
  const paths = new Set<string>();
  context.contextPaths.set(name, paths);
  return paths;
}
