import { type DockerfileFile, type IgnoreMatcher, type Reporter, suggest } from "#dockerfile";
import type { Platform } from "#oci";
import type { EpochSource } from "./epoch.ts";
import { fault } from "./fault.ts";
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
  /**
   * Counts what a few bytes of a file turn into a lot: values, ports, triggers.
   * @throws PLAN_INVALID when that is more than any memory holds
   */
  readonly spend: (characters: number) => void;
  /** The option nearest to a word that is none of them; empty when none is near. */
  readonly suggest: (word: string, options: Iterable<string>) => string;
  /** Proxies of `--build-arg`, for every RUN. */
  readonly proxyEnv: readonly string[];
  readonly bases: ReadonlyMap<string, ResolvedBase>;
  readonly ignore?: IgnoreMatcher;
  /** The ignore file leaves out all that stands at the root. */
  readonly ignoresRoot: boolean;
  /** Paths wanted of each local context by its name; the main one is `context`. */
  readonly contextPaths: Map<string, Set<string>>;
}

/** What a file may be multiplied to; 16 times what the longest expansion of a word may give. */
const maxCharacters = 2 ** 28;

/** Makes {@link PlanContext.spend}. */
export function createBudget(): PlanContext["spend"] {
  let left = maxCharacters;
  return (characters) => {
    left -= characters;
    if (left >= 0) return;
    throw fault("the Dockerfile asks for too much: its variables, port ranges and triggers never end", {
      hint: "look for variables that double, for ranges of ports and for ONBUILD in a stage of many",
    });
  };
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
