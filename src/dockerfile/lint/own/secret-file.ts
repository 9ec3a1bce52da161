import { posix } from "node:path";
import type { AddInstruction, CopyInstruction, DockerfileFile, Instruction, Stage } from "../../ast.ts";
import type { Fix, TextEdit } from "../warning.ts";
import { type ShellPart, shellParts } from "./shell-parts.ts";
import { insertAt, removeLines } from "./shell-text.ts";
import { workdirOf } from "./workdir.ts";

interface SecretFile {
  readonly stage: Stage;
  readonly copy: CopyInstruction | AddInstruction;
  readonly source: string;
}

/** Which commands read a secret file without naming it. */
const readers: readonly (readonly [RegExp, RegExp])[] = [
  [/^\.npmrc$/, /\b(?:npm|npx|yarn|pnpm)\b/],
  [/^\.(?:netrc|git-credentials)$/, /\b(?:git|curl|wget|go|pip3?|npm)\b/],
  [/^id_/, /\b(?:git|ssh|scp|rsync|go|npm|yarn|pip3?|composer|bundle|cargo)\b/],
  [/^\.pypirc$/, /\b(?:pip3?|twine|poetry|python3?)\b/],
];

/**
 * The file leaves the COPY and is mounted for the one RUN behind it that reads it; commands of that RUN that only
 * change its mode or delete it go, too. Only as root: a secret file belongs to root.
 */
export function mountSecretFile(file: DockerfileFile, secret: SecretFile): Fix | undefined {
  const { stage, copy, source } = secret;
  const at = stage.instructions.indexOf(copy);
  const target = targetOf(secret, workdirOf(stage.instructions.slice(0, at)));
  const name = posix.basename(source);
  const reader = readers.find(([known]) => known.test(name))?.[1];
  const later = whileItIsThere(file, stage.instructions.slice(at + 1), name);
  if (target === undefined || reader === undefined || !/^[\w.-]+$/.test(name)) return undefined;
  const uses = later.filter((one) => usesFile(one, { name, reader }));
  const [run] = uses;
  if (uses.length !== 1 || run?.kind !== "RUN") return undefined;
  if (
    stage.instructions
      .slice(0, stage.instructions.indexOf(run))
      .some((one) => one.kind === "USER" && !/^(?:root|0)(?::|$)/.test(one.user))
  )
    return undefined;
  const { shell, parts, isPlain } = shellParts(file, run);
  const gone = parts.filter(({ text }) => onlyTends(text, name));
  if (!isPlain || gone.length === parts.length) return undefined;
  if (
    parts.some(
      (part) => !gone.includes(part) && />>?\s*\S*\.?\w*$/.test(part.text) && part.text.includes(name),
    )
  )
    return undefined;
  const removal = withoutSource(file, secret);
  if (removal === undefined) return undefined;
  const mount = ` --mount=type=secret,id=${name.replace(/^\./, "")},target=${target}`;
  return {
    title: `mount ${name} as a secret`,
    edits: [
      removal,
      insertAt(shell, run.keyword.value.length, mount),
      ...gone.map((part) => cut(shell.start, parts, part)),
    ],
  };
}

/** Up to the RUN that deletes the file: nobody reads it behind that. */
function whileItIsThere(
  file: DockerfileFile,
  later: readonly Instruction[],
  name: string,
): readonly Instruction[] {
  const end = later.findIndex(
    (one) =>
      one.kind === "RUN" &&
      shellParts(file, one).parts.some(({ text }) => /^(?:rm|shred)\s/.test(text) && onlyTends(text, name)),
  );
  return end < 0 ? later : later.slice(0, end + 1);
}

function targetOf({ copy, source }: SecretFile, directory: string | undefined): string | undefined {
  const { destination } = copy;
  if (destination.includes("$") || copy.files.length > 0) return undefined;
  const isDirectory = /(?:^|\/)\.{0,2}$/.test(destination) || copy.sources.length > 1;
  if (!isDirectory && posix.basename(destination) !== posix.basename(source)) return undefined;
  const path = isDirectory ? posix.join(destination, posix.basename(source)) : destination;
  if (path.startsWith("/")) return posix.normalize(path);
  return directory === undefined ? undefined : posix.join(directory, path);
}

function usesFile(
  instruction: Instruction,
  { name, reader }: { readonly name: string; readonly reader: RegExp },
): boolean {
  return (
    instruction.original.includes(name) || (instruction.kind === "RUN" && reader.test(instruction.original))
  );
}

/** `chmod 600 path/name`, `rm -f path/name`: needless for a mount, and refused. */
function onlyTends(command: string, name: string): boolean {
  const words = command.split(/\s+/);
  const isTending = /^(?:chmod\s+\S+|rm(?:\s+-\w+)*|shred(?:\s+-\w+)*)\s+\S+$/.test(command);
  return isTending && posix.basename(words.at(-1) ?? "") === name;
}

/** The command goes with the `&&` behind it, or at the end with the one before it. */
function cut(start: number, parts: readonly ShellPart[], part: ShellPart): TextEdit {
  const at = parts.indexOf(part);
  const next = parts[at + 1];
  if (next !== undefined) return { start: start + part.start, end: start + next.start, text: "" };
  return { start: start + (parts[at - 1]?.end ?? part.start), end: start + part.end, text: "" };
}

function withoutSource(file: DockerfileFile, { copy, source }: SecretFile): TextEdit | undefined {
  if (copy.sources.length === 1) return removeLines(file, copy);
  const word = copy.words.find(({ value }) => value === source);
  if (word === undefined || copy.json) return undefined;
  const { start, end } = word.range;
  const behind = /^[ \t]*/.exec(file.text.slice(end.offset))?.[0].length ?? 0;
  return { start: start.offset, end: end.offset + behind, text: "" };
}
