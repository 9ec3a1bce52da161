import { LighterError } from "#base";
import { parseReference, type Reference } from "./reference.ts";

/** Stands where other names have their registry; no name of an image holds a colon at the end of its registry. */
const scheme = "recipe:";

/**
 * What FROM names: an image, or what a recipe makes (`recipe:distroless/static:slim`, `recipe:./api.yaml`).
 * @throws REFERENCE_INVALID
 */
export function parseBaseReference(text: string): Reference {
  if (!text.startsWith(scheme)) return parseReference(text);
  const name = text.slice(scheme.length);
  // A name is a key in places that part words at spaces.
  if (/^[^\s\0]+\.ya?ml$/.test(name)) return Object.freeze({ registry: scheme, repository: name });
  try {
    parseReference(name);
  } catch (cause) {
    throw new LighterError(
      "REFERENCE_INVALID",
      `cannot use base "${text}": want recipe:NAME or recipe:FILE.yaml`,
      { cause, details: { reference: text } },
    );
  }
  return Object.freeze({ registry: scheme, repository: name });
}

/** The recipe that a base is made by, as it was named (`distroless/static:slim`, `./api.yaml`); undefined for an image. */
export function recipeNameOf({ registry, repository }: Reference): string | undefined {
  return registry === scheme ? repository : undefined;
}
