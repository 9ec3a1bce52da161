import { type AddInstruction, type ArgInstruction, expandWord, type Stage } from "#dockerfile";
import { fault, locate } from "./fault.ts";
import { findGitReference } from "./git-reference.ts";
import type { GitOp, HttpOp } from "./graph.ts";
import { gitOp, httpOp, isHttpSource } from "./remote-source.ts";
import type { NamedContext } from "./request.ts";

/** What SOURCE_DATE_EPOCH may refer to. */
export interface EpochScope {
  readonly stages: readonly Stage[];
  readonly escape: "\\" | "`";
  readonly env: ReadonlyMap<string, string>;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly namedContexts: ReadonlyMap<string, NamedContext>;
}

/** SOURCE_DATE_EPOCH as seconds, or the source whose time it means. */
export type Epoch =
  | { readonly kind: "seconds"; readonly seconds: number }
  | { readonly kind: "source"; readonly source: EpochSource };

/** What has to be fetched to know SOURCE_DATE_EPOCH: a context by its name, or a file or repository. */
export type EpochSource = { readonly kind: "context"; readonly name: string } | HttpOp | GitOp;

/**
 * What SOURCE_DATE_EPOCH says: seconds since 1970, `context`, a named context, or a stage that is one remote ADD.
 * @throws PLAN_INVALID with BuildKit's words
 */
export function readEpoch(value: string, scope: EpochScope): Epoch | undefined {
  if (value === "") return undefined;
  if (/^[+-]?\d+$/.test(value)) return { kind: "seconds", seconds: Number(value) };
  if (value === "context" || scope.namedContexts.has(value))
    return { kind: "source", source: { kind: "context", name: value } };
  const stage = scope.stages.find(({ from }) => from.name === value.toLowerCase());
  if (stage !== undefined)
    return locate(stage.from.range, () => ({ kind: "source", source: readEpochStage(stage, scope) }));
  throw fault(`invalid SOURCE_DATE_EPOCH: ${value}`, {
    hint: "give seconds since 1970, or the name of a stage or context",
  });
}

function readEpochStage(stage: Stage, scope: EpochScope): EpochSource {
  const env = new Map(scope.env);
  env.delete("SOURCE_DATE_EPOCH");
  const expand = (word: string): string =>
    expandWord(word, (name) => env.get(name), { escape: scope.escape }).text;
  if (expand(stage.from.image) !== "scratch") throw fault("SOURCE_DATE_EPOCH stage must use FROM scratch");
  let source: EpochSource | undefined;
  for (const instruction of stage.instructions) {
    if (instruction.kind === "ARG") setArgs(instruction, { env, expand, buildArgs: scope.buildArgs });
    else if (instruction.kind !== "ADD")
      throw fault(
        `SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported ${instruction.keyword.value} instruction`,
      );
    else if (source !== undefined) throw fault("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD");
    else source = remoteSource(instruction, expand);
  }
  if (source === undefined) throw fault("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD");
  return source;
}

function setArgs(
  { args }: ArgInstruction,
  scope: {
    readonly env: Map<string, string>;
    readonly expand: (word: string) => string;
    readonly buildArgs: ReadonlyMap<string, string>;
  },
): void {
  for (const { key, value } of args) {
    const given = scope.buildArgs.get(key) ?? (value === undefined ? undefined : scope.expand(value));
    if (given !== undefined) scope.env.set(key, given);
  }
}

function remoteSource(instruction: AddInstruction, expand: (word: string) => string): EpochSource {
  const [source, ...more] = instruction.sources;
  if (source === undefined || more.length > 0 || instruction.files.length > 0)
    throw fault("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source");
  const url = expand(source);
  const checksum = expand(instruction.checksum ?? "");
  if (isHttpSource(url)) return httpOp(url, checksum === "" ? undefined : checksum);
  const reference = findGitReference(url);
  if (reference === undefined || reference.isLikeLocalPath)
    throw fault("SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD");
  const { keepGitDir } = instruction;
  return gitOp(reference, {
    ...(checksum !== "" && { checksum }),
    ...(keepGitDir !== undefined && { keepGitDir }),
  });
}
