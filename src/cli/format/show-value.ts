import { isStruct } from "./go-values.ts";

/** A value as Go's templates print it: `[a b]`, `map[a:1 b:2]`, `{1 2}` for a struct, `<no value>`. */
export function showValue(value: unknown): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(showValue).join(" ")}]`;
  if (typeof value !== "object") return `${value as number | boolean | bigint}`;
  if (isStruct(value)) return `{${Object.values(value).map(showValue).join(" ")}}`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([name, item]) => `${name}:${showValue(item)}`).join(" ")}]`;
}
