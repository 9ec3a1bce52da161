import { writeFileSync } from "node:fs";
import type { CopyAction, FileAction, FileOp, MkdirAction, MkfileAction } from "#plan";
import { copySource } from "../copy/copy-source.ts";
import type { Deferral } from "../copy/deferral.ts";
import type { EarlierCopies } from "../copy/earlier-copies.ts";
import { type NameSource, resolveOwner } from "../copy/owner.ts";
import { type SelectedSource, select } from "../copy/selection.ts";
import { compileMode } from "../copy/symbolic-mode.ts";
import { setOwner, setTime, type UpperWriter } from "../copy/upper-writer.ts";
import type { Tree } from "../tree/tree.ts";
import type { FilePool } from "../work/file-pool.ts";
import type { UnpackHost } from "./archive-file.ts";

export interface FileOpContext {
  readonly writer: UpperWriter;
  readonly host: UnpackHost;
  /** The tree at a position of the vertex's inputs. */
  readonly source: (input: number | undefined) => Tree;
  readonly pool?: FilePool | undefined;
  /** What the operation's only copy gave before. */
  readonly earlier?: EarlierCopies | undefined;
  /** Takes the files of the operation's only copy, when nobody needs its tree now. */
  readonly deferral?: Deferral | undefined;
  /** Gets the times of what is unpacked, in seconds. */
  readonly unpacked: Set<number>;
  /** What is known of the files of an input; see {@link CopyOptions.isBare}. */
  readonly isBare?: (input: number | undefined) => ((path: string) => boolean) | undefined;
  /** Hears what the user should know although the operation goes on. */
  readonly warn: (sentence: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Carries out the actions of a COPY, ADD or WORKDIR.
 * @returns source files that changed while they were being copied: the result must not be remembered under the old content
 */
export async function runFileOp(op: FileOp, context: FileOpContext): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const action of op.actions) changed.push(...(await runAction(action, op, context)));
  return changed;
}

async function runAction(action: FileAction, op: FileOp, context: FileOpContext): Promise<readonly string[]> {
  switch (action.kind) {
    case "mkdir":
      return makeDirectory(action, context.writer, namesOf(op, context));
    case "mkfile":
      return makeFile(action, context.writer, namesOf(op, context));
    case "copy":
      return copy(action, op, context);
  }
}

function namesOf(op: FileOp, { writer, warn }: FileOpContext): NameSource {
  return { tree: op.base === undefined ? undefined : writer.tree, warn };
}

function makeDirectory(action: MkdirAction, writer: UpperWriter, names: NameSource): readonly string[] {
  const path = writer.resolve(action.path);
  const owner = resolveOwner(names, action.owner);
  const made = writer.makeDirectories(path, { mode: action.mode & 0o777, owner });
  if (action.createdSeconds !== undefined)
    for (const directory of [...made].reverse()) setTime(writer.location(directory), action.createdSeconds);
  return [];
}

function makeFile(action: MkfileAction, writer: UpperWriter, names: NameSource): readonly string[] {
  const path = writer.resolve(action.path);
  const owner = resolveOwner(names, action.owner) ?? { uid: 0, gid: 0 };
  writer.clear(path);
  const location = writer.location(path);
  writeFileSync(location, action.content, { flag: "wx" });
  setOwner(location, owner);
  writer.setMode(path, action.mode & 0o777);
  return [];
}

async function copy(action: CopyAction, op: FileOp, context: FileOpContext): Promise<readonly string[]> {
  const { writer, signal, pool, earlier } = context;
  const tree = context.source(action.input);
  const owner = resolveOwner(namesOf(op, context), action.owner);
  const mode = action.mode === undefined ? undefined : compileMode(action.mode);
  const changed: string[] = [];
  const sources = select(tree, action);
  for (const source of sources) {
    signal?.throwIfAborted();
    if (await unpackIfArchive(action, source, { ...context, owner })) continue;
    changed.push(
      ...(await copySource(writer, source, {
        destination: action.destination,
        contentsOnly: action.contentsOnly,
        replaceExisting: op.base === undefined,
        owner,
        mode,
        directoryMode: typeof action.mode === "number" ? action.mode & 0o777 : 0o755,
        files: context.host.files,
        pool,
        earlier,
        // A later source may replace what an earlier one laid there.
        deferral: sources.length === 1 ? context.deferral : undefined,
        isBare: context.isBare?.(action.input),
        signal,
      })),
    );
  }
  return changed;
}

async function unpackIfArchive(
  action: CopyAction,
  source: SelectedSource,
  context: FileOpContext & { readonly owner: ReturnType<typeof resolveOwner> },
): Promise<boolean> {
  if (!action.unpack || source.entry.kind !== "file") return false;
  const { isArchive } = await import("./archive-file.ts");
  if (!(await isArchive(source.entry, context.host))) return false;
  const { unpackInto } = await import("./unpack.ts");
  await unpackInto(context.writer, {
    archive: source.entry,
    destination: action.destination,
    owner: context.owner,
    host: context.host,
    times: context.unpacked,
    signal: context.signal,
  });
  return true;
}
