import { goValue } from "./go-values.ts";
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
  return objects.map((object) => `${print(goValue(object))}\n`).join("");
}
