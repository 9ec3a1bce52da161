import { isLighterError } from "#base";
import { goValue, jsonValue } from "./go-values.ts";
import { unescape } from "./lex.ts";
import { compileTemplate } from "./template.ts";

/** The one object of `info` or `version`: `json`, or a line by a template. @throws TEMPLATE_INVALID, ARGUMENT_INVALID */
export function printObject(object: unknown, format: string): string {
  return `${format === "json" ? JSON.stringify(object) : compileTemplate(format)(goValue(object))}\n`;
}

/** What `inspect` found: one indented JSON list, `json` without line breaks, or a line by a template for each. @throws TEMPLATE_INVALID, ARGUMENT_INVALID */
export function printObjects(objects: readonly unknown[], format: string | undefined): string {
  if (format === undefined || format === "") return `${JSON.stringify(objects, undefined, 4)}\n`;
  if (format === "json") return `${JSON.stringify(objects)}\n`;
  const print = compileTemplate(unescape(format));
  return objects.map((object) => `${printInspected(print, object)}\n`).join("");
}

/** As docker does: by the names of its program, and where one does not fit, the whole by those of the JSON. */
function printInspected(print: ReturnType<typeof compileTemplate>, object: unknown): string {
  try {
    return print(goValue(object), "program");
  } catch (error) {
    if (!isLighterError(error)) throw error;
    return print(jsonValue(object), "json");
  }
}
