import type { Instruction } from "../ast.ts";
import { quote } from "../go-text.ts";

/** BuildKit's parse tree as JSON has it: empty fields left out. */
export interface Node {
  value?: string;
  next?: Node;
  children?: Node[];
  heredocs?: object[];
  attributes?: Record<string, boolean>;
  original?: string;
  flags?: string[];
  startLine?: number;
  endLine?: number;
  prevComment?: string[];
}

/** The instructions as BuildKit's parser gives them: a node for the file, a child for each. */
export function treeOf(instructions: readonly Instruction[]): Node {
  const children = instructions.map((instruction) => nodeOf(instruction));
  return {
    children,
    startLine: instructions[0]?.range.start.line ?? 0,
    endLine: instructions.at(-1)?.range.end.line ?? 0,
  };
}

function nodeOf(instruction: Instruction, inner = false): Node {
  const { keyword, flags, original, comments, json, range, heredocs } = instruction;
  const trigger = "trigger" in instruction ? instruction.trigger : undefined;
  const next = trigger === undefined ? chain(values(instruction)) : { children: [nodeOf(trigger, true)] };
  return {
    ...(keyword.value === "" ? {} : { value: keyword.value }),
    ...(next === undefined ? {} : { next }),
    ...(heredocs.length === 0 || inner
      ? {}
      : {
          heredocs: heredocs.map(({ name, fileDescriptor, expand, chomp, content }) => ({
            Name: name,
            FileDescriptor: fileDescriptor,
            Expand: expand,
            Chomp: chomp,
            Content: content,
          })),
        }),
    ...(json ? { attributes: { json: true } } : {}),
    ...(original === "" ? {} : { original }),
    ...(flags.length === 0 ? {} : { flags: flags.map(({ text }) => text) }),
    ...(inner ? {} : { startLine: range.start.line, endLine: range.end.line }),
    ...(comments.length === 0 ? {} : { prevComment: [...comments] }),
  };
}

/** ENV and LABEL have three nodes for each pair: key, value and what stands between. */
function values(instruction: Instruction): string[] {
  const { kind, words } = instruction;
  if (kind === "INVALID" && !KNOWN.test(instruction.keyword.value)) return [""];
  const name = instruction.keyword.value.toUpperCase();
  if (name !== "ENV" && name !== "LABEL") return words.map(({ value }) => value);
  if (words[0]?.value.includes("=") === false) return [words[0].value, words[1]?.value ?? "", ""];
  return words.flatMap(({ value }) => {
    const equals = value.indexOf("=");
    return [value.slice(0, equals), value.slice(equals + 1), "="];
  });
}

const KNOWN =
  /^(add|arg|cmd|copy|entrypoint|env|expose|from|healthcheck|label|maintainer|onbuild|run|shell|stopsignal|user|volume|workdir)$/i;

function chain(list: readonly string[]): Node | undefined {
  let next: Node | undefined;
  for (const value of list.toReversed())
    next = { ...(value === "" ? {} : { value }), ...(next === undefined ? {} : { next }) };
  return next;
}

/** The tree as S-expressions, as BuildKit dumps it. */
export function dumpOf(instructions: readonly Instruction[]): string {
  return treeOf(instructions)
    .children?.map((child) => `(${dumpNode(child)})`)
    .join("\n") as string;
}

function dumpNode(node: Node): string {
  const flags = node.flags === undefined ? "" : ` [${node.flags.map(quote).join(" ")}]`;
  const children = (node.children ?? []).map((child) => `(${dumpNode(child)})\n`).join("");
  let text = `${(node.value ?? "").toLowerCase()}${flags}${children}`;
  for (let next = node.next; next !== undefined; next = next.next)
    text += ` ${next.children === undefined ? quote(next.value ?? "") : dumpNode(next)}`;
  return text.trim();
}
