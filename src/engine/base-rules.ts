import { LighterError } from "#base";
import { familiarReference, formatReference, type Reference } from "#oci";
import type { BaseSourceName } from "./options.ts";

/** Which sources are asked for an image, in order, and for which images that holds. */
export interface BaseRule {
  /** `gcr.io/distroless/*`; `*` stands for anything. Absent: every name. */
  readonly pattern?: string;
  readonly sources: readonly BaseSourceName[];
}

/** What holds when nobody says otherwise. @see docs/adr/0050 */
const usual: BaseRule = { sources: ["store", "recipe", "registry"] };

/**
 * Reads `[PATTERN=]SOURCE[,SOURCE...]`.
 * @param place where it stands, for the error: `--source`, `LIGHTER_BASE_SOURCES`
 * @throws ARGUMENT_INVALID
 */
export function parseBaseRule(text: string, place: string): BaseRule {
  const at = text.lastIndexOf("=");
  const pattern = text.slice(0, Math.max(0, at)).trim();
  const sources = text
    .slice(at + 1)
    .split(",")
    .map((word) => word.trim());
  if (at === 0 || pattern.includes(",") || !sources.every(isSource))
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot use ${place} "${text}": want store, recipe and registry in the order they are asked, with PATTERN= before them for some names only, as gcr.io/distroless/*=recipe`,
    );
  return { ...(at > 0 && { pattern }), sources };
}

/** Rules with semicolons between. @throws ARGUMENT_INVALID */
export function parseBaseRules(text: string, place: string): readonly BaseRule[] {
  const parts = text.split(";").filter((part) => part.trim() !== "");
  return parts.map((part) => parseBaseRule(part.trim(), place));
}

function isSource(word: string): word is BaseSourceName {
  return word === "store" || word === "recipe" || word === "registry";
}

/** The first rule that fits a name. */
export function findBaseRule(rules: readonly BaseRule[], reference: Reference): BaseRule {
  const { digest: _, tag: _tag, ...repository } = reference;
  const names = [reference, repository].flatMap((each) => [formatReference(each), familiarReference(each)]);
  return rules.find(({ pattern }) => pattern === undefined || fits(pattern, names)) ?? usual;
}

function fits(pattern: string, names: readonly string[]): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`);
  return names.some((name) => expression.test(name));
}
