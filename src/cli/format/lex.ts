import { LighterError } from "#base";

/** A piece of a template: text as it stands, or the words between braces. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly tokens: readonly Token[] };

export type Token =
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "literal"; readonly value: string | number }
  | { readonly kind: "sign"; readonly text: string };

/** Splits a template into text and actions; `{{-` and `-}}` eat the white space beside them. @throws TEMPLATE_INVALID */
export function lexTemplate(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimsNext = false;
  const addText = (text: string): void => {
    const kept = trimsNext ? text.trimStart() : text;
    if (kept !== "") pieces.push({ kind: "text", text: kept });
  };
  for (let open = template.indexOf("{{"); open >= 0; open = template.indexOf("{{", at)) {
    const close = findClose(template, open + 2);
    let inside = template.slice(open + 2, close);
    const trimsBefore = /^-\s/.test(inside);
    const before = template.slice(at, open);
    addText(trimsBefore ? before.trimEnd() : before);
    if (trimsBefore) inside = inside.slice(1);
    trimsNext = /\s-$/.test(inside);
    if (trimsNext) inside = inside.slice(0, -1);
    const isComment = /^\s*\/\*[^]*\*\/\s*$/.test(inside);
    if (!isComment) pieces.push({ kind: "action", tokens: lexAction(inside.trim()) });
    at = close + 2;
  }
  addText(template.slice(at));
  return pieces;
}

/** A closing pair inside a quoted text does not count. */
function findClose(template: string, from: number): number {
  for (let at = from; at < template.length; at += 1) {
    const letter = template[at];
    if (letter === '"' || letter === "`") at = endOfQuote(template, at);
    else if (template.startsWith("}}", at)) return at;
  }
  throw templateError(template, "an action is not closed");
}

function endOfQuote(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at += 1) {
    if (quote === '"' && text[at] === "\\") at += 1;
    else if (text[at] === quote) return at;
  }
  throw templateError(text, "a quoted text is not closed");
}

// Go's templates have no hyphen in a field, and so no name of a network that has one: here it may be written.
const pattern =
  /\s+|(?<quoted>"(?:[^"\\]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)')|(?<number>-?(?:0x[\da-fA-F]+|\d+(?:\.\d+)?))|(?<variable>\$[A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*)*)|(?<field>(?:\.[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*)+|\.)|(?<sign>:=|[()|,=])|(?<word>[A-Za-z_][A-Za-z0-9_]*)/y;

function lexAction(text: string): readonly Token[] {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) throw templateError(text, "it has a word that templates do not know");
    const token = toToken(groups);
    if (token !== undefined) tokens.push(token);
  }
  return tokens;
}

function toToken(groups: Readonly<Record<string, string | undefined>>): Token | undefined {
  const { quoted, number, variable, field, sign, word } = groups;
  if (quoted !== undefined) return { kind: "literal", value: unquote(quoted) };
  if (number !== undefined) return { kind: "literal", value: Number(number) };
  if (field !== undefined) return { kind: "field", path: field.split(".").filter(Boolean) };
  if (sign !== undefined) return { kind: "sign", text: sign };
  if (word !== undefined) return { kind: "word", text: word };
  if (variable === undefined) return undefined;
  const [name = "$", ...path] = variable.split(".");
  return { kind: "variable", name, path };
}

function unquote(quoted: string): string {
  const inside = quoted.slice(1, -1);
  return quoted.startsWith("`") ? inside : unescape(inside);
}

/** `\t`, `\n` and the like. */
export function unescape(text: string): string {
  const letters: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0" };
  return text.replace(/\\(.)/g, (_, letter: string) => letters[letter] ?? letter);
}

/** One that cannot be read: nothing was printed. */
export function templateError(text: string, state: string): LighterError {
  return new LighterError("TEMPLATE_INVALID", `cannot print with --format "${text}": ${state}`);
}

/** One that does not fit what is to be printed. */
export function executionError(text: string, state: string): LighterError {
  return new LighterError("ARGUMENT_INVALID", `cannot print with --format "${text}": ${state}`);
}
