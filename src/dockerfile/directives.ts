import type { Directive } from "./ast.ts";
import { decode } from "./decode.ts";
import { isBlankAt, skipSpace } from "./go-text.ts";
import { lineAt, lineCount, rangeAt, type SourceText, sourceText, trimNewline } from "./source.ts";

/** `key = value`: blanks around the value are cut off afterwards, for a pattern that did it would not be linear. */
const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)[\t\f\r ]*=([^\n]+)$/;

/** What a line is to the directive parser: a directive, the end of directives, or one that stands there twice. */
export type DirectiveLine =
  | { readonly kind: "directive"; readonly name: Directive["name"]; readonly value: string }
  | { readonly kind: "duplicate"; readonly name: Directive["name"] }
  | { readonly kind: "none" };

/** Reads one line, left-trimmed and without its newline, given the directives seen so far. */
export function readDirective(line: string, marker: "#" | "//", seen: ReadonlySet<string>): DirectiveLine {
  if (!line.startsWith(marker)) return { kind: "none" };
  const match = DIRECTIVE.exec(line.slice(skipSpace(line, marker.length)));
  const name = match?.[1]?.toLowerCase();
  if (name !== "syntax" && name !== "escape" && name !== "check") return { kind: "none" };
  if (seen.has(name)) return { kind: "duplicate", name };
  return { kind: "directive", name, value: trimValue(match?.[2] ?? "") };
}

/** A value of nothing but blanks is its last blank: `# escape= ` is refused, not passed over. */
function trimValue(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end - 1 && isBlankAt(text, start) && text[start] !== "\v") start++;
  while (end > start + 1 && isBlankAt(text, end - 1) && text[end - 1] !== "\v") end--;
  return text.slice(start, end);
}

/** What chooses the frontend: `image` is the first word of `commandLine`; `line` counts from 1. */
export interface SyntaxDirective {
  readonly image: string;
  readonly commandLine: string;
  readonly line: number;
}

/**
 * Finds the `syntax` of any build file: `# syntax=`, `// syntax=` or a JSON object with a `syntax` string, after an
 * optional first line that begins with `#!`.
 */
export function detectSyntax(file: string | Uint8Array): SyntaxDirective | undefined {
  const text = decode(file);
  const skipped = text.startsWith("#!") ? 1 : 0;
  const rest = skipped === 0 ? text : text.slice(text.includes("\n") ? text.indexOf("\n") + 1 : text.length);
  const source = sourceText(rest);
  return findSyntax(source, "#", skipped) ?? findSyntax(source, "//", skipped) ?? jsonSyntax(rest, skipped);
}

function findSyntax(source: SourceText, marker: "#" | "//", skipped: number): SyntaxDirective | undefined {
  const seen = new Set<string>();
  for (let index = 0; index < lineCount(source); index++) {
    const line = readDirective(trimNewline(lineAt(source, index)), marker, seen);
    if (line.kind !== "directive") return undefined;
    if (line.name === "syntax") return syntaxDirective(line.value, index + 1 + skipped);
    seen.add(line.name);
  }
  return undefined;
}

function jsonSyntax(text: string, line: number): SyntaxDirective | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("syntax" in value)) return undefined;
  return typeof value.syntax === "string"
    ? { image: value.syntax, commandLine: value.syntax, line: line + 1 }
    : undefined;
}

function syntaxDirective(value: string, line: number): SyntaxDirective {
  return { image: value.split(" ", 1)[0] ?? "", commandLine: value, line };
}

/** The directive on line `index` of a file as a node. */
export function directiveNode(
  source: SourceText,
  index: number,
  found: { readonly name: Directive["name"]; readonly value: string },
): Directive {
  const start = source.lineStarts[index] ?? 0;
  const range = rangeAt(source, start, start + trimNewline(lineAt(source, index)).length);
  return Object.freeze({ name: found.name, value: found.value, range });
}
