import { posix } from "node:path";
import { buildChecks, type WorkdirInstruction } from "#dockerfile";
import { fault } from "./fault.ts";
import type { Owner } from "./graph.ts";
import { parseOwner } from "./owner.ts";
import { joinWorkdir, rootedPath } from "./paths.ts";
import { commit, nextName, type Step, stepText, vertexOrigin } from "./step.ts";

/** PATH_MAX. */
const maxPathLength = 4096;

/** WORKDIR: every one makes a layer, even where the directory is there; the root needs none. */
export function dispatchWorkdir(step: Step, instruction: WorkdirInstruction): void {
  const { state } = step;
  const path = step.expand(instruction.path);
  if (!state.hasWorkdir && !posix.isAbsolute(path))
    step.reporter.report(buildChecks.workdirRelativePath, step.range, path);
  state.hasWorkdir = true;
  state.image.workdir = joinWorkdir(state.image.workdir, path);
  state.workdir = state.image.workdir;
  if (state.workdir.length > maxPathLength)
    throw fault(`WORKDIR is a path of ${state.workdir.length} characters; Linux takes ${maxPathLength}`);
  if (state.workdir !== "/") makeDirectory(step);
  commit(step, `WORKDIR ${state.workdir}`, state.workdir === "/" ? undefined : state.tree);
}

function makeDirectory(step: Step): void {
  const { state, context } = step;
  const user = state.image.user ?? "";
  const owner: Owner | undefined = user === "" ? undefined : parseOwner(user);
  const action = {
    kind: "mkdir" as const,
    path: rootedPath(state.workdir),
    mode: 0o755,
    makeParents: true,
    ...(owner !== undefined && { owner }),
    ...(context.epochSeconds !== undefined && { createdSeconds: context.epochSeconds }),
  };
  const { ignoreCache: _, ...origin } = vertexOrigin(step);
  state.tree = context.builder.add({
    op: Object.freeze({ kind: "file", ...(state.tree !== undefined && { base: 0 }), actions: [action] }),
    inputs: state.tree === undefined ? [] : [state.tree],
    name: nextName(step, stepText(step)),
    ...origin,
  });
}
