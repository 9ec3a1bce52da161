/** What a value of a recipe file may be: one description for the reader and for editors. */
export type Shape =
  | {
      readonly kind: "text";
      readonly about: string;
      readonly pattern?: string;
      /** What the pattern asks for, in words. */
      readonly want?: string;
      readonly choices?: readonly string[];
    }
  | { readonly kind: "integer"; readonly about: string; readonly min: number; readonly max: number }
  | { readonly kind: "boolean"; readonly about: string }
  | { readonly kind: "list"; readonly about: string; readonly item: Shape }
  | { readonly kind: "map"; readonly about: string; readonly value: Shape }
  | {
      readonly kind: "record";
      readonly about: string;
      readonly fields: Readonly<Record<string, Shape>>;
      readonly required: readonly string[];
      /** The field that a plain text stands for. */
      readonly shorthand?: string;
    };

/** A shape in words, for error texts. */
export function describeShape(shape: Shape): string {
  switch (shape.kind) {
    case "text":
      return shape.choices === undefined ? (shape.want ?? "text") : `one of ${shape.choices.join(", ")}`;
    case "integer":
      return `a whole number from ${shape.min} to ${shape.max}`;
    case "boolean":
      return "true or false";
    case "list":
      return "a list";
    case "map":
      return "names with values";
    case "record":
      return `${shape.shorthand === undefined ? "" : "text or "}fields (${Object.keys(shape.fields).join(", ")})`;
  }
}

/** A shape as JSON Schema. @see https://json-schema.org/draft/2020-12/schema */
export function toJsonSchema(shape: Shape): Readonly<Record<string, unknown>> {
  const { about: description } = shape;
  switch (shape.kind) {
    case "text":
      return {
        type: "string",
        description,
        ...(shape.pattern !== undefined && { pattern: shape.pattern }),
        ...(shape.choices !== undefined && { enum: shape.choices }),
      };
    case "integer":
      return { type: "integer", description, minimum: shape.min, maximum: shape.max };
    case "boolean":
      return { type: "boolean", description };
    case "list":
      return { type: "array", description, items: toJsonSchema(shape.item) };
    case "map":
      return { type: "object", description, additionalProperties: toJsonSchema(shape.value) };
    case "record":
      return recordSchema(shape);
  }
}

function recordSchema(shape: Extract<Shape, { readonly kind: "record" }>): Readonly<Record<string, unknown>> {
  const { about: description, shorthand } = shape;
  const record = {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(shape.fields).map(([name, field]) => [name, toJsonSchema(field)]),
    ),
    required: shape.required,
    additionalProperties: false,
  };
  const short = shorthand === undefined ? undefined : shape.fields[shorthand];
  return short === undefined
    ? { description, ...record }
    : { description, anyOf: [toJsonSchema(short), record] };
}
