import { LighterError } from "#base";
import type { Image } from "#image";
import { familiarReference, parseReference } from "#oci";
import { type Filter, matchesFilters, parseFilters } from "./filters.ts";
import { parseMoment } from "./moment.ts";

export const imageFilterNames = ["before", "since", "reference", "dangling", "label", "until"] as const;
export const pruneFilterNames = ["until", "label", "label!"] as const;

/** @throws ARGUMENT_INVALID */
export function parseImageFilters(
  words: readonly string[],
  known: readonly string[] = imageFilterNames,
): readonly Filter[] {
  const filters = parseFilters(words.map(negation), known);
  for (const { name, value } of filters)
    if (name === "dangling" && !/^(?:true|false|1|0)$/i.test(value))
      throw new LighterError("ARGUMENT_INVALID", `cannot filter by "dangling=${value}": want true or false`);
  return filters;
}

/** `label!=NAME` has its equals sign after the mark. */
function negation(word: string): string {
  return word.startsWith("label!=") ? `label!${word.slice("label!".length)}` : word;
}

/** What filters that look at other images or at the clock need. */
export interface FilterScene {
  readonly nowMs: number;
  find(text: string): Image;
}

/** Whether an image passes all filters but `reference`, which chooses among its names. */
export function matchesImage(image: Image, filters: readonly Filter[], scene: FilterScene): boolean {
  const others = filters.filter(({ name }) => name !== "reference");
  return matchesFilters(others, (filter) => matchesOne(image, filter, scene), ["label", "label!"]);
}

function matchesOne(image: Image, { name, value }: Filter, scene: FilterScene): boolean {
  switch (name) {
    case "dangling":
      return (image.names.length === 0) === /^(?:true|1)$/i.test(value);
    case "before":
      return createdMs(image) < createdMs(scene.find(value));
    case "since":
      return createdMs(image) > createdMs(scene.find(value));
    case "until":
      return createdMs(image) < Date.parse(parseMoment(value, scene.nowMs));
    case "label!":
      return !hasLabel(image, value);
    default:
      return hasLabel(image, value);
  }
}

/** An image that tells no time is older than all others. */
function createdMs({ config }: Image): number {
  const time = Date.parse(config.created ?? "");
  return Number.isNaN(time) ? 0 : time;
}

function hasLabel({ config }: Image, text: string): boolean {
  const labels: Readonly<Record<string, string>> = config.config?.Labels ?? {};
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  return name in labels && (equals < 0 || labels[name] === text.slice(equals + 1));
}

/** Whether a full name is one of those that patterns such as `debian`, `*:12` or `registry.example/*` mean; no patterns: all. */
export function matchesReference(fullName: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true;
  const reference = parseReference(fullName);
  const { tag: _, digest: __, ...bare } = reference;
  const names = [familiarReference(reference), familiarReference(bare)];
  return patterns.some((pattern) => names.some((name) => matchGlob(pattern, name)));
}

/** Patterns of Go's `path.Match`: neither `*` nor `?` takes a slash. */
function matchGlob(pattern: string, name: string): boolean {
  const source = pattern.replace(/\[\^?[^\]]+\]|[\s\S]/g, (part) => {
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    return part.length > 1 ? part : part.replace(/[\\^$.|+()[\]{}]/, "\\$&");
  });
  return new RegExp(`^${source}$`, "u").test(name);
}
