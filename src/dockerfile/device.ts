import type { Device } from "./ast.ts";
import { readFields } from "./csv.ts";
import { didYouMean } from "./suggest.ts";

/** Reads a `--device=` of RUN. Throws an Error with BuildKit's words. https://github.com/cncf-tags/container-device-interface */
export function parseDevice(text: string): Device {
  let name = "";
  let required = false;
  for (const field of fieldsOf(text)) {
    const equals = field.indexOf("=");
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? undefined : field.slice(equals + 1);
    if (key === "required") required = value === undefined || parseBoolean(value);
    else if (key === "name" && value !== undefined) {
      if (name !== "") throw new Error(`device name already set to ${name}`);
      name = value;
    } else if (name === "") name = field;
    else throw new Error(unexpected(field, key, value));
  }
  return Object.freeze({ name, required });
}

function fieldsOf(text: string): string[] {
  try {
    return readFields(text);
  } catch (error) {
    throw new Error(`failed to parse csv devices: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function unexpected(field: string, key: string, value: string | undefined): string {
  if (value === undefined) return `invalid field '${field}' must be a key=value pair`;
  return `unexpected key '${key}' in '${field}'${didYouMean(key, ["name", "required"])}`;
}

function parseBoolean(value: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new Error(`invalid value for required: ${value}`);
}
