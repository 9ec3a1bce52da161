import type { FromInstruction, Instruction, Range } from "#dockerfile";
import type { Platform } from "#oci";
import type { Environment } from "./environment.ts";
import type { Edge } from "./graph.ts";
import type { ImageDraft } from "./image-draft.ts";
import type { PersistentMap } from "./persistent-map.ts";
import type { NamedContext } from "./request.ts";

/** An instruction of a stage with the trees it takes from elsewhere. */
export interface Command {
  readonly instruction: Instruction;
  /** For COPY --from one; for RUN one per mount, in order. */
  readonly sources: readonly StageState[];
  /** It came from a base's ONBUILD; it is then said to stand where the FROM is. */
  readonly isOnbuild: boolean;
  readonly range: Range;
}

/** What a stage asks for by name, for `--call outline`. */
export interface StageOutline {
  /** ARGs that this stage defines; those before the first FROM are elsewhere. */
  readonly args: Map<string, OutlineArg>;
  /** Names that the FROM uses: global ARGs, for this stage and those that are built on it. */
  fromArgs: ReadonlySet<string>;
  /** Names that instructions use, not all of them defined. */
  readonly usedArgs: Set<string>;
  readonly secrets: Map<string, OutlineNeed>;
  readonly ssh: Map<string, OutlineNeed>;
}

export interface OutlineArg {
  readonly key: string;
  readonly value: string;
  readonly description?: string;
  /** Other ARGs that the default value names. */
  readonly dependencies: ReadonlySet<string>;
  readonly range: Range;
}

export interface OutlineNeed {
  readonly required: boolean;
  readonly range: Range;
}

/** The last CMD, ENTRYPOINT or HEALTHCHECK of a stage. */
export interface Tracker {
  cmd?: Range;
  entrypoint?: Range;
  healthcheck?: Range;
}

/**
 * A stage while it is planned: a FROM with its instructions, or an image or context that only `--from` names.
 * The one mutable thing of the room; it does not outlive `plan`.
 */
export interface StageState {
  readonly from?: FromInstruction;
  /** After expansion; the full name of the image once it is resolved. */
  baseName: string;
  /** As FROM wrote it, after expansion: for messages. */
  readonly originalName: string;
  /** What step names say: the stage's name, or `stage-N`; empty when it is the only one. */
  label: string;
  readonly range?: Range;
  /** The stage that FROM names. */
  base?: StageState;
  readonly dependencies: Map<StageState, Instruction>;
  /** Without the FROM. */
  readonly instructions: readonly Instruction[];
  commands: Command[];
  /** No FROM stands behind it. */
  readonly isSource: boolean;
  /** Among all stages and sources; absent until it is one of them. */
  position?: number;
  readonly namedContext?: { readonly name: string; readonly context: NamedContext };
  platform?: Platform;
  readonly ignoreCache: boolean;
  isResolved: boolean;
  isDispatched: boolean;
  hasOnbuild: boolean;
  /** What the stage gives to those that are built on it; absent until one is. */
  triggers?: readonly string[];

  /** Absent: the empty tree. */
  tree?: Edge;
  image: ImageDraft;
  env: Environment;
  workdir: string;
  user?: string;
  /** ARGs in the order of their first mention, with the value of the last; empty when there is none. */
  args: PersistentMap<string>;
  hasWorkdir: boolean;
  readonly last: Tracker;
  readonly outline: StageOutline;
  /** Paths that others take from this tree; shared with the base, so that a context below it knows. */
  paths: Set<string>;
  stepIndex: number;
  stepTotal: number;
}

/** The stages of a file and the sources that `--from` adds, by number and by name. */
export interface StageTable {
  readonly states: StageState[];
  readonly byName: Map<string, StageState>;
}

/** Adds a stage; one whose FROM names an earlier stage gets that as its base. */
export function addStage(table: StageTable, state: StageState): void {
  state.position = table.states.length;
  table.states.push(state);
  const base = table.byName.get(state.baseName);
  if (base !== undefined) state.base = base;
  if (state.from?.name !== undefined) table.byName.set(state.from.name, state);
}

/** The last stage of that name, in any case. */
export function findStage(table: StageTable, name: string): StageState | undefined {
  return table.byName.get(name.toLowerCase());
}

/** The stages that a stage needs: itself, then its base with all below, then the others. */
export function reachableFrom(target: StageState): Set<StageState> {
  return new Set(reach([target], new Set()));
}

/** Adds the stages that some stages need to those that are known to be needed. @returns the new ones */
export function reach(starts: readonly StageState[], known: Set<StageState>): StageState[] {
  const found: StageState[] = [];
  const waiting = starts.toReversed();
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    if (known.has(state)) continue;
    known.add(state);
    found.push(state);
    for (const next of neighbours(state).reverse()) waiting.push(next);
  }
  return found;
}

/** What a stage needs at once: its base, then the others. */
export function neighbours({ base, dependencies }: StageState): StageState[] {
  return base === undefined ? [...dependencies.keys()] : [base, ...dependencies.keys()];
}
