import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { didYouMean, LighterError } from "#base";
import { describeShape, type Shape } from "./shape.ts";

/** A YAML document of a person's own. */
export interface ShapedText {
  readonly path: string;
  readonly text: string;
  /** What it is, for error texts: `recipe`. */
  readonly noun: string;
  readonly code: "RECIPE_INVALID" | "CONFIGURATION_INVALID";
}

/** What was read. */
export interface ShapedDocument {
  readonly value: unknown;
  /** The error for a value that contradicts something else, with its place: `["files", 0, "source"]`. */
  invalid(at: readonly (string | number)[], why: string): LighterError;
}

interface Source extends ShapedText {
  readonly lines: LineCounter;
}

/** No document is longer; anchors cannot multiply it, because they are refused. */
const limitBytes = 1 << 20;

/**
 * Reads YAML of a shape into plain values.
 * @throws `code`, with line, column and what is wanted there
 */
export function readShape(given: ShapedText, shape: Shape): ShapedDocument {
  const { path, text, noun, code } = given;
  if (text.length > limitBytes)
    throw new LighterError(code, `cannot read ${noun} "${path}": it is longer than 1 MiB`);
  const lines = new LineCounter();
  const source: Source = { ...given, lines };
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const [fault] = document.errors;
  if (fault !== undefined) throw invalid(source, fault.pos[0], lowerFirst(printable(fault.message)));
  if (document.contents === null) throw invalid(source, 0, "it is empty");
  return {
    value: readNode(source, document.contents, shape),
    invalid(at, why) {
      const node = document.getIn(at, true);
      return invalidAt(source, isNode(node) ? node : document.contents, why);
    },
  };
}

function readNode(source: Source, node: Node | null, shape: Shape): unknown {
  if (isAlias(node)) throw invalidAt(source, node, "aliases are not read");
  switch (shape.kind) {
    case "list":
      if (!isSeq(node)) throw wants(source, node, shape);
      return node.items.map((item) => readNode(source, item as Node | null, shape.item));
    case "map":
    case "record":
      return readMap(source, node, shape);
    case "boolean":
    case "integer":
    case "text":
      return readScalar(source, node, shape);
  }
}

function readMap(
  source: Source,
  node: Node | null,
  shape: Extract<Shape, { readonly kind: "map" | "record" }>,
): Readonly<Record<string, unknown>> {
  if (shape.kind === "record" && shape.shorthand !== undefined && isScalar(node)) {
    const field = shape.fields[shape.shorthand];
    if (typeof node.value === "string" && field !== undefined)
      return { [shape.shorthand]: readNode(source, node, field) };
  }
  if (!isMap(node)) throw wants(source, node, shape);
  const entries = node.items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : "";
    const inner = shape.kind === "map" ? shape.value : shape.fields[name];
    if (inner === undefined || name === "" || !(shape.kind === "map" || Object.hasOwn(shape.fields, name)))
      throw invalidAt(
        source,
        key as Node,
        `unknown field "${name}"${didYouMean(name, shape.kind === "record" ? Object.keys(shape.fields) : [])}`,
      );
    if (value === null) throw invalidAt(source, key as Node, `want ${describeShape(inner)}, found nothing`);
    return [name, readNode(source, value as Node, inner)] as const;
  });
  const values = Object.fromEntries(entries);
  const missing = shape.kind === "record" ? shape.required.find((name) => !(name in values)) : undefined;
  if (missing !== undefined) throw invalidAt(source, node, `field "${missing}" is missing`);
  return values;
}

function readScalar(
  source: Source,
  node: Node | null,
  shape: Exclude<Shape, { readonly kind: "list" | "map" | "record" }>,
): string | number | boolean {
  const value: unknown = isScalar(node) ? node.value : undefined;
  switch (shape.kind) {
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "integer":
      if (Number.isInteger(value) && Number(value) >= shape.min && Number(value) <= shape.max)
        return Number(value);
      break;
    case "text":
      if (typeof value === "string" && fits(value, shape)) return value;
  }
  throw wants(source, node, shape);
}

function fits(value: string, { pattern, choices }: Extract<Shape, { readonly kind: "text" }>): boolean {
  if (choices !== undefined) return choices.includes(value);
  return pattern === undefined || new RegExp(pattern, "u").test(value);
}

function wants(source: Source, node: Node | null, shape: Shape): LighterError {
  const value: unknown = isScalar(node) ? node.value : undefined;
  const found = isMap(node) ? "fields" : isSeq(node) ? "a list" : JSON.stringify(value ?? null);
  return invalidAt(source, node, `want ${describeShape(shape)}, found ${found}`);
}

function invalidAt(source: Source, node: Node | null, why: string): LighterError {
  return invalid(source, node?.range?.[0] ?? 0, why);
}

function invalid({ path, lines, noun, code }: Source, offset: number, why: string): LighterError {
  const { line, col } = lines.linePos(offset);
  return new LighterError(code, `cannot read ${noun} "${path}" line ${line}, column ${col}: ${why}`, {
    details: { path, line, column: col },
  });
}

/** The parser quotes the text, which may be anything. */
function printable(message: string): string {
  return message.replace(/[\p{Cc}\p{Cf}\uFFFD]/gu, "?").slice(0, 200);
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
