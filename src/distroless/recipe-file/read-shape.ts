import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { didYouMean, LighterError } from "#base";
import { describeShape, type Shape } from "./shape.ts";

interface Source {
  /** For error texts. */
  readonly path: string;
  readonly lines: LineCounter;
}

/** No recipe is longer; anchors cannot multiply it, because they are refused. */
const limitBytes = 1 << 20;

/**
 * Reads YAML of a shape into plain values.
 * @throws RECIPE_INVALID with line, column and what is wanted there
 */
export function readShape(path: string, text: string, shape: Shape): unknown {
  if (text.length > limitBytes)
    throw new LighterError("RECIPE_INVALID", `cannot read recipe "${path}": it is longer than 1 MiB`);
  const lines = new LineCounter();
  const source: Source = { path, lines };
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const [fault] = document.errors;
  if (fault !== undefined) throw invalid(source, fault.pos[0], lowerFirst(fault.message));
  if (document.contents === null) throw invalid(source, 0, "it is empty");
  return readNode(source, document.contents, shape);
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

function invalid({ path, lines }: Source, offset: number, why: string): LighterError {
  const { line, col } = lines.linePos(offset);
  return new LighterError(
    "RECIPE_INVALID",
    `cannot read recipe "${path}" line ${line}, column ${col}: ${why}`,
    {
      details: { path, line, column: col },
    },
  );
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
