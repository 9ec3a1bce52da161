import { byteLength } from "./go-text.ts";

/** Splits one line of comma-separated values. Throws an Error with the reason as the reference implementation says it. */
export function readFields(line: string): string[] {
  const text = line.replace(/\r?\n$/, "");
  if (text === "") throw new Error("EOF");
  const fields: string[] = [];
  let index = 0;
  for (;;) {
    const field = text[index] === '"' ? quotedField(text, index) : plainField(text, index);
    fields.push(field.value);
    if (field.end >= text.length) return fields;
    index = field.end + 1;
  }
}

function plainField(text: string, start: number): { value: string; end: number } {
  const comma = text.indexOf(",", start);
  const end = comma < 0 ? text.length : comma;
  const value = text.slice(start, end);
  const quote = value.indexOf('"');
  if (quote >= 0) throw parseError(text, start + quote, 'bare " in non-quoted-field');
  return { value, end };
}

function quotedField(text: string, start: number): { value: string; end: number } {
  let value = "";
  let index = start + 1;
  for (;;) {
    const quote = text.indexOf('"', index);
    if (quote < 0) throw parseError(text, index, 'extraneous or missing " in quoted-field');
    value += text.slice(index, quote);
    const next = text[quote + 1];
    if (next === undefined || next === ",") return { value, end: quote + 1 };
    if (next !== '"') throw parseError(text, quote, 'extraneous or missing " in quoted-field');
    value += '"';
    index = quote + 2;
  }
}

function parseError(text: string, index: number, reason: string): Error {
  return new Error(`parse error on line 1, column ${byteLength(text.slice(0, index)) + 1}: ${reason}`);
}
