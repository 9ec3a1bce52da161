import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ImageStore, LayerTimes } from "#image";
import type { CopyAction, Vertex, VertexId } from "#plan";
import type { SnapshotName, Snapshotter } from "#snapshot";
import type { ContextSource } from "../context/context-source.ts";
import { hasHoles } from "../copy/copy-source.ts";
import { compileMode } from "../copy/symbolic-mode.ts";
import { isBareSum } from "../key/entry-sum.ts";
import type { SelectedEntry, SelectionChange } from "../key/known-digests.ts";
import type { ContextReading } from "../solve/key-maker.ts";
import { hashKey } from "../solve/keys.ts";
import type { Result } from "../solve/result.ts";
import type { Repeat, StepRun } from "../solve/solver.ts";
import type { TimeOrigin } from "../times/time-origin.ts";
import { cleanPath, type Entry, joinPath } from "../tree/tree.ts";
import { markUsed } from "../upkeep/last-use.ts";
import { writeRecord } from "../upkeep/write-record.ts";
import { newName } from "./new-name.ts";
import type { BuildPaths } from "./paths.ts";

export interface RepeatOptions {
  readonly snapshots: Pick<Snapshotter, "find" | "parent">;
  readonly images: Pick<ImageStore, "commitChanged">;
  readonly paths: Pick<BuildPaths, "copies">;
  /** Steps whose tree nobody needs in this build, only its layer. */
  readonly deferrable: ReadonlySet<VertexId>;
  readonly layerTimes: (origin: TimeOrigin) => LayerTimes;
}

/** What a COPY of a context gave that had nothing but its layer made. */
interface EarlierCopy {
  readonly snapshot: SnapshotName;
  /** Of what it took of the context. */
  readonly digest: string;
  /** Where that lies in the tree. */
  readonly target: string;
}

/**
 * Repeats the COPY of a context of which a few files have changed: its layer is that of the copy before, but for their entries,
 * and no other file is looked at again.
 */
export function createRepeat(options: RepeatOptions): Repeat {
  return async (vertex, inputs, run) => {
    const copy = options.deferrable.has(vertex.id) ? contextCopy(vertex, inputs) : undefined;
    const reading = copy === undefined ? undefined : await run.reading(copy.input);
    if (copy === undefined || reading?.change === undefined) return undefined;
    const earlier = load(recordPath(options, vertex, copy), options.snapshots);
    if (earlier?.digest !== reading.change.before) return undefined;
    const change = changedTree(reading.change, copy, earlier.target);
    if (change === undefined) return undefined;
    const times = options.layerTimes(run.origin());
    const made = { ...change, times, name: newName(), signal: run.signal };
    const done = await options.images.commitChanged(earlier.snapshot, made);
    if (done === undefined) return undefined;
    return {
      snapshot: done.snapshot,
      isUncertain: done.changed.length > 0,
      keep: () => keep(options, { vertex, copy, reading }, { ...earlier, snapshot: done.snapshot }),
    };
  };
}

/** Has a copy remembered, so that it can be repeated. */
export async function keepCopy(
  step: StepRun & {
    readonly options: RepeatOptions;
    readonly vertex: Vertex;
    readonly inputs: readonly Result[];
  },
  made: Omit<EarlierCopy, "digest">,
): Promise<(() => void) | undefined> {
  const { options, vertex, inputs } = step;
  const copy = contextCopy(vertex, inputs);
  const reading = copy === undefined ? undefined : await step.reading(copy.input);
  if (copy === undefined || reading === undefined) return undefined;
  return () => keep(options, { vertex, copy, reading }, made);
}

/** The only action of a step, when it takes one directory of a context. */
interface ContextCopy {
  readonly action: CopyAction;
  readonly input: number;
  readonly source: ContextSource;
  readonly parent: SnapshotName | undefined;
}

function contextCopy({ op }: Vertex, inputs: readonly Result[]): ContextCopy | undefined {
  if (op.kind !== "file" || op.actions.length !== 1) return undefined;
  const [action] = op.actions;
  if (action?.kind !== "copy" || action.input === undefined) return undefined;
  const input = inputs[action.input];
  const base = op.base === undefined ? undefined : inputs[op.base];
  if (input?.kind !== "context" || base?.kind === "context") return undefined;
  return { action, input: action.input, source: input.source, parent: base?.snapshot };
}

function recordPath({ paths }: Pick<RepeatOptions, "paths">, { op }: Vertex, copy: ContextCopy): string {
  const key = hashKey("layer", JSON.stringify(op), copy.source.root, copy.parent ?? "");
  return join(paths.copies, key.slice(0, 32));
}

function load(file: string, snapshots: RepeatOptions["snapshots"]): EarlierCopy | undefined {
  try {
    markUsed(file);
    const [name = "", digest = "", ...target] = readFileSync(file, "utf8").split("\n");
    const snapshot = snapshots.find(name);
    return snapshot === undefined ? undefined : { snapshot, digest, target: target.join("\n") };
  } catch {
    return undefined; // no earlier copy
  }
}

function keep(
  options: Pick<RepeatOptions, "paths">,
  { vertex, copy, reading }: { vertex: Vertex; copy: ContextCopy; reading: ContextReading },
  { snapshot, target }: Omit<EarlierCopy, "digest">,
): void {
  // Nothing that is known of the files says what will have changed.
  if (!reading.isKept) return;
  writeRecord(recordPath(options, vertex, copy), `${snapshot}\n${reading.digest}\n${target}`);
}

type Changed = Pick<Parameters<ImageStore["commitChanged"]>[1], "files" | "directories">;

/** Undefined when one of the files does not lie in the layer alone. */
function changedTree(
  { files, directories }: SelectionChange,
  { action, source }: ContextCopy,
  target: string,
): Changed | undefined {
  if (!files.every(({ path, entry }) => isBare(source, path) && !hasHoles(entry))) return undefined;
  const changeMode = action.mode === undefined ? undefined : compileMode(action.mode);
  const root = cleanPath(action.source);
  const targetOf = ({ path }: SelectedEntry): string =>
    joinPath(target, root === "" ? path : path.slice(root.length + 1));
  return {
    files: files.map((file) => ({ ...fileOf(file.entry, changeMode), path: targetOf(file) })),
    directories: new Map(directories.map((directory) => [targetOf(directory), directory.entry.mtimeMs])),
  };
}

function isBare(source: ContextSource, path: string): boolean {
  return isBareSum(source.findSum(path));
}

function fileOf(
  { location, mode, sizeBytes, mtimeMs, ctimeMs }: Entry,
  changeMode: ReturnType<typeof compileMode> | undefined,
): Omit<Changed["files"][number], "path"> {
  return {
    source: location,
    mode: changeMode?.(mode, false) ?? mode,
    sizeBytes,
    seconds: mtimeMs / 1000,
    ctimeMs,
  };
}
