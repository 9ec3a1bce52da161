import { type AddInstruction, buildChecks, type CopyInstruction, quote } from "#dockerfile";
import { pathsOfContext } from "./context.ts";
import { mainContextTree } from "./context-source.ts";
import { parseMode } from "./copy-mode.ts";
import { type CopyRequest, commonParts } from "./copy-request.ts";
import { localCopy } from "./copy-source.ts";
import { fault } from "./fault.ts";
import { findGitReference } from "./git-reference.ts";
import type { CopyAction, Edge, FileOp, Op, Owner } from "./graph.ts";
import { inlineFile } from "./inline-file.ts";
import { parseOwner } from "./owner.ts";
import { cleanPath, resolveDestination, rootedPath } from "./paths.ts";
import { gitOp, httpOp, isGitSource, isHttpSource } from "./remote-source.ts";
import { commit, nextName, type Step, sameName, stepText, vertexOrigin } from "./step.ts";

/** COPY and ADD. */
export function dispatchCopy(step: Step, instruction: CopyInstruction | AddInstruction): void {
  const words = expandWords(step, instruction);
  checkSource(step, instruction);
  const owner = words.chown === "" ? {} : { owner: parseOwner(words.chown) };
  const mode = words.chmod === "" ? {} : { mode: parseMode(words.chmod) };
  if (words.checksum !== undefined) checkChecksum(words.sources);
  const text = stepText(step);
  const request: CopyRequest = {
    step,
    instruction,
    ...words,
    destination: resolveDestination(step.state.workdir, words.destination),
    ...owner,
    ...mode,
    name: nextName(step, text),
    inputs: [],
  };
  const actions = [
    ...request.sources.map((source) => copyAction(request, source)),
    ...words.files.map((file) => inlineAction(request, file)),
  ];
  addLayer(request, actions, text);
  noteContextPaths(request);
  commit(step, historyText(request, words), step.state.tree);
}

interface CopyWords {
  readonly sources: readonly string[];
  readonly destination: string;
  readonly files: readonly { readonly name: string; readonly content: string }[];
  readonly chown: string;
  readonly chmod: string;
  readonly checksum?: string;
}

function expandWords(step: Step, instruction: CopyInstruction | AddInstruction): CopyWords {
  const chown = step.expand(instruction.chown ?? "");
  const chmod = step.expand(instruction.chmod ?? "");
  const checksum = instruction.kind === "ADD" ? step.expand(instruction.checksum ?? "") : "";
  return {
    chown,
    chmod,
    ...(checksum !== "" && { checksum }),
    sources: instruction.sources.map((source) => step.expand(source)),
    destination: step.expand(instruction.destination),
    // Heredocs follow the shell's escape character, whatever the file's is.
    files: instruction.files.map(({ name, content, expand }) => ({
      name,
      content: expand ? step.expand(content, { escape: "\\", skipQuotes: true }) : content,
    })),
  };
}

function checkSource(step: Step, instruction: CopyInstruction | AddInstruction): void {
  const [source] = step.command.sources;
  if (instruction.kind !== "COPY" || source === undefined || source.isDispatched) return;
  throw fault(
    `cannot copy from stage ${quote(instruction.from ?? "")}, it needs to be defined before current stage ${quote(step.state.label)}`,
    { hint: "move the stage up" },
  );
}

function checkChecksum(sources: readonly string[]): void {
  const [source = "", ...more] = sources;
  if (more.length > 0 || sources.length === 0)
    throw fault("checksum can't be specified for multiple sources");
  if (!isHttpSource(source) && !isGitSource(source)) throw fault("checksum requires HTTP(S) or Git sources");
}

function copyAction(request: CopyRequest, source: string): CopyAction {
  const reference = findGitReference(source);
  const isAdd = request.instruction.kind === "ADD";
  if (reference !== undefined && !reference.isLikeLocalPath) {
    if (!isAdd) throw fault("source can't be a git ref for COPY", { hint: "use ADD" });
    return remoteCopy(request, { op: gitOf(request, reference), path: "/", unpack: false });
  }
  if (isHttpSource(source)) {
    if (!isAdd) throw fault("source can't be a URL for COPY", { hint: "use ADD" });
    const op = httpOp(source, request.checksum);
    const unpack = request.instruction.kind === "ADD" && (request.instruction.unpack ?? false);
    return remoteCopy(request, { op, path: `/${op.filename}`, unpack });
  }
  checkIgnored(request, source);
  return localCopy(request, source, addInput(request, sourceTree(request)));
}

function gitOf(
  { instruction, checksum }: CopyRequest,
  reference: NonNullable<ReturnType<typeof findGitReference>>,
): Op {
  const keepGitDir = instruction.kind === "ADD" ? instruction.keepGitDir : undefined;
  if (keepGitDir !== undefined && reference.keepGitDir !== undefined && keepGitDir !== reference.keepGitDir)
    throw fault("inconsistent keep-git-dir configuration");
  if (checksum !== undefined && reference.checksum !== undefined && checksum !== reference.checksum)
    throw fault(`checksum mismatch ${quote(checksum)} != ${quote(reference.checksum)}`);
  return gitOp(reference, {
    ...(keepGitDir !== undefined && { keepGitDir }),
    ...(checksum !== undefined && { checksum }),
  });
}

/** The tree a path is taken from; absent: an empty one. */
function sourceTree({ step }: CopyRequest): Edge | undefined {
  const [source] = step.command.sources;
  return source === undefined ? mainContextTree(step.context) : source.tree;
}

function remoteCopy(
  request: CopyRequest,
  { op, path, unpack }: { readonly op: Op; readonly path: string; readonly unpack: boolean },
): CopyAction {
  const { ignoreCache: _, ...origin } = vertexOrigin(request.step);
  const tree = request.step.context.builder.add({ op, inputs: [], name: request.name, ...origin });
  return plainCopy(request, { tree, path, unpack });
}

function inlineAction(
  request: CopyRequest,
  file: { readonly name: string; readonly content: string },
): CopyAction {
  const tree = inlineFile(request.step, { ...file, mode: 0o644 });
  return plainCopy(request, { tree, path: `/${file.name}`, unpack: false });
}

function plainCopy(
  request: CopyRequest,
  from: { readonly tree: Edge; readonly path: string; readonly unpack: boolean },
): CopyAction {
  return Object.freeze({
    ...commonParts(request),
    ...addInput(request, from.tree),
    source: from.path,
    followSymlinks: false,
    // A checkout gives its contents.
    contentsOnly: from.path === "/",
    unpack: from.unpack,
    wildcard: false,
    includePatterns: [],
    requiredPaths: [],
  });
}

/** Position of a tree among the inputs. */
function addInput({ inputs }: CopyRequest, tree: Edge | undefined): { readonly input?: number } {
  if (tree === undefined) return {};
  const known = inputs.findIndex(({ vertex }) => vertex === tree.vertex);
  return { input: known < 0 ? inputs.push(tree) - 1 : known };
}

function checkIgnored(request: CopyRequest, source: string): void {
  const { step, instruction } = request;
  const { ignore } = step.context;
  if (ignore === undefined || ignore.hasNegations || step.command.sources.length > 0) return;
  const path = cleanPath(source);
  if ((path === "." || path === "/") && !step.context.ignoresRoot) return;
  if (!ignore.matches(path)) return;
  const verb = instruction.kind === "ADD" ? "Add" : "Copy";
  step.reporter.report(buildChecks.copyIgnoredFile, step.range, verb, path);
}

/**
 * `--link` makes a layer that knows nothing of those below it; a `--chmod` needs the ordinary way, and so does an owner's
 * name, which stands in a file below.
 */
function addLayer(request: CopyRequest, actions: readonly CopyAction[], text: string): void {
  const { step, instruction, inputs } = request;
  const { state, context } = step;
  const origin = vertexOrigin(step);
  const isLink = instruction.link && request.chmod === "" && actions.every(({ owner }) => isNumeric(owner));
  const base = isLink ? undefined : state.tree;
  const layer = context.builder.add({
    op: fileOp(actions, base),
    inputs: withBase(inputs, base),
    name: request.name,
    ...origin,
  });
  if (!isLink || state.tree === undefined) {
    state.tree = layer;
    return;
  }
  const name = sameName(step, `LINK ${text}`);
  state.tree = context.builder.add({ op: { kind: "merge" }, inputs: [state.tree, layer], name, ...origin });
}

function isNumeric(owner: Owner | undefined): boolean {
  return [owner?.user, owner?.group].every((name) => name === undefined || "id" in name);
}

/** With a base, which is the first input, the others move by one. */
function fileOp(actions: readonly CopyAction[], base: Edge | undefined): FileOp {
  if (base === undefined) return Object.freeze({ kind: "file", actions });
  const moved = actions.map((action) =>
    action.input === undefined ? action : Object.freeze({ ...action, input: action.input + 1 }),
  );
  return Object.freeze({ kind: "file", base: 0, actions: moved });
}

function withBase(inputs: readonly Edge[], base: Edge | undefined): readonly Edge[] {
  return Object.freeze(base === undefined ? [...inputs] : [base, ...inputs]);
}

function noteContextPaths({ step, sources }: CopyRequest): void {
  const [source] = step.command.sources;
  const isFromContext = source === undefined;
  const paths = source?.paths ?? pathsOfContext(step.context, "context");
  for (const path of sources) if (!isFromContext || !/^https?:\/\//.test(path)) paths.add(rootedPath(path));
}

function historyText({ instruction, sources }: CopyRequest, words: CopyWords): string {
  const flags = [
    ...(instruction.kind === "COPY" && instruction.parents ? ["--parents"] : []),
    ...(words.chown === "" ? [] : [`--chown=${words.chown}`]),
    ...(words.chmod === "" ? [] : [`--chmod=${words.chmod}`]),
  ];
  const documents = words.files.map(({ name }) => `<<${name}`);
  return [instruction.kind, ...flags, ...sources, ...documents, words.destination, "# buildkit"].join(" ");
}
