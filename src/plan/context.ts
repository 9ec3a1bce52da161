import type { DockerfileFile, IgnoreMatcher, Reporter } from "#dockerfile";
import type { Platform } from "#oci";
import type { GraphBuilder } from "./graph-builder.ts";
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
  readonly epochSeconds?: number;
  readonly table: StageTable;
  readonly builder: GraphBuilder;
  readonly reporter: Reporter;
  readonly bases: ReadonlyMap<string, ResolvedBase>;
  readonly ignore?: IgnoreMatcher;
  /** The ignore file leaves out all that stands at the root. */
  readonly ignoresRoot: boolean;
  /** Paths wanted of each local context by its name; the main one is `context`. */
  readonly contextPaths: Map<string, Set<string>>;
}

/** The set of paths that are wanted of a local context. */
export function pathsOfContext(context: PlanContext, name: string): Set<string> {
  const known = context.contextPaths.get(name);
  if (known !== undefined) return known;
  const paths = new Set<string>();
  context.contextPaths.set(name, paths);
  return paths;
}
