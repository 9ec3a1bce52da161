import { LighterError } from "#base";
import type { VersionOperator } from "./version.ts";

/** One package named in a relationship field: `libc6 (>= 2.36)`, `python3:any`, `usr-is-merged`. */
export interface Relation {
  readonly name: string;
  /** After the colon: `any`, `native` or an architecture. */
  readonly architecture?: string;
  readonly version?: { readonly operator: VersionOperator; readonly bound: string };
}

/** Alternatives, the preferred one first: any of them satisfies the dependency. */
export type Dependency = readonly Relation[];

const relationPattern =
  /^([a-z0-9][a-z0-9+.-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<(?![<=])|>(?![>=]))\s*([^\s)]+)\s*\))?\s*(?:\[([^\]]*)\])?\s*((?:<[^>]*>\s*)*)$/i;

/**
 * Reads a relationship field (`Depends`, `Provides`, `Conflicts`, …). Alternatives for other architectures are left out.
 * @throws INDEX_INVALID
 * @see https://www.debian.org/doc/debian-policy/ch-relationships.html
 */
export function parseDependencies(field: string | undefined, architecture: string): readonly Dependency[] {
  if (field === undefined || field === "") return [];
  return field
    .split(",")
    .map((group) => group.trim())
    .filter((group) => group !== "")
    .map((group) => parseAlternatives(group, architecture))
    .filter((dependency) => dependency.length > 0);
}

/** As {@link parseDependencies} for fields with no alternatives (`Provides`, `Conflicts`, `Breaks`, `Replaces`). */
export function parseRelations(field: string | undefined, architecture: string): readonly Relation[] {
  return parseDependencies(field, architecture).flat();
}

/** `libc6 (>= 2.36)`, as Debian writes it. */
export function formatRelation(relation: Relation): string {
  const name =
    relation.architecture === undefined ? relation.name : `${relation.name}:${relation.architecture}`;
  const { version } = relation;
  return version === undefined ? name : `${name} (${version.operator} ${version.bound})`;
}

/** `default-mta | mail-transport-agent`. */
export function formatDependency(dependency: Dependency): string {
  return dependency.map(formatRelation).join(" | ");
}

function parseAlternatives(group: string, architecture: string): Dependency {
  return group.split("|").flatMap((part) => {
    const parsed = parseRelation(part.trim());
    return parsed.restriction === undefined || matchesArchitecture(parsed.restriction, architecture)
      ? [parsed.relation]
      : [];
  });
}

function parseRelation(text: string): { relation: Relation; restriction: string | undefined } {
  const match = relationPattern.exec(text);
  if (match === null)
    throw new LighterError("INDEX_INVALID", `cannot read relationship "${text}": it is no package relation`);
  const [, name = "", architecture, operator, bound, restriction] = match;
  return {
    relation: {
      name,
      ...(architecture !== undefined && { architecture }),
      ...(operator !== undefined &&
        bound !== undefined && { version: { operator: canonicalOperator(operator), bound } }),
    },
    restriction,
  };
}

/** `<` and `>` are ancient spellings of `<=` and `>=`. */
function canonicalOperator(operator: string): VersionOperator {
  if (operator === "<") return "<=";
  if (operator === ">") return ">=";
  return operator as VersionOperator;
}

function matchesArchitecture(restriction: string, architecture: string): boolean {
  const names = restriction.split(/\s+/).filter((name) => name !== "");
  const isMatch = (name: string) => [architecture, "any", "linux-any", `any-${architecture}`].includes(name);
  if (names.every((name) => name.startsWith("!"))) return !names.some((name) => isMatch(name.slice(1)));
  return names.some(isMatch);
}
