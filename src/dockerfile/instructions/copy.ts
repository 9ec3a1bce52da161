import type { AddInstruction, CopyInstruction, InlineFile, InstructionSource } from "../ast.ts";
import { type FlagTypes, type FlagValues, readFlagValues } from "../flags.ts";
import { frozenList } from "../frozen.ts";
import { chompHeredoc, findHeredocWord } from "../heredoc.ts";
import { Refusal } from "../refusal.ts";

const COPY_FLAGS: FlagTypes = {
  chown: "text",
  from: "text",
  chmod: "text",
  link: "boolean",
  exclude: "list",
  parents: "boolean",
};

const ADD_FLAGS: FlagTypes = {
  chown: "text",
  chmod: "text",
  link: "boolean",
  "keep-git-dir": "boolean",
  checksum: "text",
  unpack: "boolean",
  exclude: "list",
};

export function copyInstruction(source: InstructionSource): CopyInstruction {
  requireDestination(source, "COPY");
  const flags = readFlagValues(source, COPY_FLAGS);
  const paths = readPaths(source, "COPY");
  return Object.freeze({
    kind: "COPY",
    ...paths,
    ...commonFlags(flags),
    ...optional("from", flags.text("from")),
    parents: flags.boolean("parents") ?? false,
    ...source,
  });
}

export function addInstruction(source: InstructionSource): AddInstruction {
  requireDestination(source, "ADD");
  const flags = readFlagValues(source, ADD_FLAGS);
  const paths = readPaths(source, "ADD");
  return Object.freeze({
    kind: "ADD",
    ...paths,
    ...commonFlags(flags),
    ...optional("checksum", flags.text("checksum")),
    ...optional("keepGitDir", flags.boolean("keep-git-dir")),
    ...optional("unpack", flags.boolean("unpack")),
    ...source,
  });
}

function requireDestination(source: InstructionSource, name: string): void {
  if (source.words.length >= 2) return;
  const message = `${name} requires at least two arguments, but only one was provided. Destination could not be determined`;
  throw new Refusal("instruction/arguments", message, { hint: `write ${name} source... destination` });
}

function commonFlags(flags: FlagValues) {
  return {
    ...optional("chown", flags.text("chown")),
    ...optional("chmod", flags.text("chmod")),
    link: flags.boolean("link") ?? false,
    excludes: frozenList(flags.list("exclude").map((flag) => flag.value ?? "")),
  };
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}

function readPaths(source: InstructionSource, name: string) {
  const words = source.words.slice(0, -1);
  const destination = source.words.at(-1);
  if (destination !== undefined && findHeredocWord(destination.value) !== undefined)
    throw new Refusal("instruction/heredoc", `${name} cannot accept a heredoc as a destination`, {
      range: destination.range,
    });
  const sources: string[] = [];
  const files: InlineFile[] = [];
  const contentOf = heredocContents(source);
  for (const { value } of words) {
    const file = inlineFile(value, contentOf);
    if (file === undefined) sources.push(value);
    else files.push(file);
  }
  return {
    sources: frozenList(sources),
    files: frozenList(files),
    destination: destination?.value ?? "",
  };
}

/** The file that a word stands for when it is a heredoc. */
function inlineFile(
  value: string,
  contentOf: (name: string, chomp: boolean) => string,
): InlineFile | undefined {
  const word = value.includes("<<") ? findHeredocWord(value) : undefined;
  if (word === undefined) return undefined;
  const { name, expand } = word;
  return Object.freeze({ name, content: contentOf(name, word.chomp), expand });
}

/** Contents by name. Two heredocs of one name have the content of the last. */
function heredocContents({ heredocs }: InstructionSource): (name: string, chomp: boolean) => string {
  const contents = new Map(heredocs.map(({ name, content }) => [name, content]));
  const chomped = new Map<string, string>();
  return (name, chomp) => {
    const content = contents.get(name) ?? "";
    if (!chomp) return content;
    const known = chomped.get(name) ?? chompHeredoc(content);
    chomped.set(name, known);
    return known;
  };
}
