import { statSync } from "node:fs";
import { resolve } from "node:path";
import { isLighterError, LighterError } from "#base";
import type { BaseSource, NamedContextRequest } from "#build";
import type { RecipeSource } from "#distroless";
import { directoryView, type Image, type ImageStore, layoutSource } from "#image";
import {
  type Digest,
  digestOf,
  familiarReference,
  isDigest,
  parseBaseReference,
  parseReference,
  type Reference,
} from "#oci";
import { findGitReference } from "#plan";
import { resolveRecipeBase } from "./recipe-bases.ts";
import { toBase } from "./to-base.ts";

/** What contexts are opened with. */
export interface ContextParts {
  readonly images: ImageStore;
  readonly openRecipes: () => Promise<RecipeSource>;
}

/** A named context that is being opened: `NAME=PREFIX rest`. */
interface Given {
  readonly name: string;
  /** What follows the prefix. */
  readonly rest: string;
  readonly parts: ContextParts;
}

/** What a context may be besides a directory, a repository or a URL, by what it begins with. One line a scheme. */
const schemes: Readonly<Record<string, (given: Given) => NamedContextRequest>> = {
  "docker-image://": ({ rest }) => ({ kind: "image", reference: parseReference(rest) }),
  "oci-layout://": openLayout,
  "recipe:": openRecipe,
};

/**
 * Opens what `--build-context NAME=SPEC` names, by name as the plan looks them up.
 * @throws ARGUMENT_INVALID, REFERENCE_INVALID, CONTEXT_NOT_FOUND
 */
export function openNamedContexts(
  contexts: Readonly<Record<string, string>>,
  parts: ContextParts,
): ReadonlyMap<string, NamedContextRequest> {
  return new Map(
    Object.entries(contexts).map(([name, spec]) => [contextName(name), openContext(name, spec, parts)]),
  );
}

/** `docker.io/library/alpine:latest` is the context `alpine`; `alpine::linux/arm64` is for one platform. */
function contextName(text: string): string {
  const separator = text.indexOf("::");
  const [name, platform] = separator < 0 ? [text, ""] : [text.slice(0, separator), text.slice(separator)];
  const reference = parseName(name);
  return `${familiarReference(reference).replace(/:latest$/, "")}${platform}`;
}

function parseName(name: string): Reference {
  try {
    return parseReference(name);
  } catch (error) {
    if (!isLighterError(error, "REFERENCE_INVALID")) throw error;
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot use context name "${name}": want the name of a stage or an image, in lower case`,
      { cause: error },
    );
  }
}

function openContext(name: string, spec: string, parts: ContextParts): NamedContextRequest {
  if (spec === "")
    throw new LighterError("ARGUMENT_INVALID", `cannot use build context "${name}": want NAME=PLACE`);
  const prefix = Object.keys(schemes).find((known) => spec.startsWith(known));
  const open = prefix === undefined ? undefined : schemes[prefix];
  if (prefix !== undefined && open !== undefined)
    return open({ name, rest: spec.slice(prefix.length), parts });
  return findRemoteContext(spec) ?? { kind: "directory", path: existingDirectory(name, spec) };
}

/** A repository or a file from the web, by the rules of the frontend; undefined for everything else. */
export function findRemoteContext(
  spec: string,
): Extract<NamedContextRequest, { readonly kind: "git" | "http" }> | undefined {
  if (isRepository(spec)) return { kind: "git", url: spec };
  return /^https?:\/\//i.test(spec) ? { kind: "http", url: spec } : undefined;
}

function isRepository(spec: string): boolean {
  try {
    return findGitReference(spec) !== undefined;
  } catch {
    // A repository with a query that cannot be: the plan says what is wrong with it.
    return true;
  }
}

function existingDirectory(name: string, path: string): string {
  const absolute = resolve(path);
  const stats = statSync(absolute, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return absolute;
  const state = stats === undefined ? "no such directory" : "it is no directory";
  const forms = [...Object.keys(schemes).map((scheme) => `${scheme}...`), "a git or HTTP URL"].join(", ");
  throw new LighterError(
    "CONTEXT_NOT_FOUND",
    `cannot use build context "${name}=${path}": ${state}; a context is a directory, ${forms}`,
  );
}

/** Paths are the caller's own: they begin in the working directory. */
function openRecipe({ rest, parts }: Given): NamedContextRequest {
  const place = { folder: process.cwd(), isConfined: false };
  return {
    kind: "image",
    reference: parseBaseReference(`recipe:${rest}`),
    resolve: async (options) => await resolveRecipeBase(parts, rest, { ...options, place }),
  };
}

function openLayout({ name, rest, parts }: Given): NamedContextRequest {
  const { path, choice } = splitLayout(rest);
  const directory = existingDirectory(name, path);
  const origin = `from the OCI layout ${directory}`;
  const { registry, repository } = parseName(name.replace(/::.*$/s, ""));
  return {
    kind: "image",
    // A name that no image has: the digest stands for the place.
    reference: { registry, repository, digest: digestOf(`oci-layout ${directory} ${choice ?? ""}`) },
    resolve: async (options) =>
      toBase(parts.images, await receive(directory, choice, { ...options, parts }), origin),
  };
}

/** `PATH[:TAG][@DIGEST]`; a digest says more than a tag. */
function splitLayout(rest: string): { readonly path: string; readonly choice: string | undefined } {
  const at = rest.lastIndexOf("@");
  const digest: Digest | undefined = isDigest(rest.slice(at + 1))
    ? (rest.slice(at + 1) as Digest)
    : undefined;
  const plain = digest === undefined ? rest : rest.slice(0, at);
  const [, path = plain, tag] = /^(.*):([\w][\w.-]{0,127})$/s.exec(plain) ?? [];
  return { path, choice: digest ?? tag };
}

async function receive(
  directory: string,
  choice: string | undefined,
  {
    parts,
    platform,
    onProgress,
    signal,
  }: { readonly parts: ContextParts } & Parameters<BaseSource["resolve"]>[1],
): Promise<Image> {
  const view = directoryView(directory);
  const options = {
    platforms: [platform],
    unpack: false,
    names: [],
    origin: { kind: "loaded" },
    onProgress,
    ...(signal !== undefined && { signal }),
  } as const;
  if (choice !== undefined) return await parts.images.receive(layoutSource(view, choice), options);
  try {
    return await parts.images.receive(layoutSource(view, "latest"), options);
  } catch (error) {
    if (!isLighterError(error, "IMAGE_NOT_FOUND")) throw error;
    return await parts.images.receive(layoutSource(view, undefined), options);
  }
}
