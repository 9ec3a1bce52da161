import { readFileSync, realpathSync, statSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { LighterError, systemErrorCode } from "#base";
import { compileIgnore, type IgnoreMatcher } from "#dockerfile";
import type { NamedContext } from "#plan";
import type { BuildRequest } from "./request.ts";

/** What a build reads before it plans. */
export interface BuildInput {
  /** Real path of the context. */
  readonly context: string | undefined;
  /** The context when it is no directory of this machine. */
  readonly mainContext?: NamedContext;
  readonly dockerfile: Uint8Array;
  /** Path or `-`, for messages. */
  readonly dockerfilePath: string;
  readonly ignore: IgnoreMatcher | undefined;
}

/**
 * What lies on this machine.
 * @throws CONTEXT_NOT_FOUND, DOCKERFILE_NOT_FOUND, IGNORE_FILE_INVALID
 */
export function readInput(
  request: Pick<BuildRequest, "context"> & {
    readonly dockerfile?: { readonly path: string } | { readonly text: string };
  },
): BuildInput {
  const context = request.context === undefined ? undefined : realDirectory(request.context);
  const given = request.dockerfile;
  if (given !== undefined && "text" in given)
    return {
      context,
      dockerfile: Buffer.from(given.text),
      dockerfilePath: "-",
      ignore: readIgnore(context === undefined ? [] : [join(context, ".dockerignore")]),
    };
  const path = given?.path ?? defaultDockerfile(context);
  if (context !== undefined) refuseLinkOut(path, [request.context ?? context, context]);
  return {
    context,
    dockerfile: readDockerfile(path),
    dockerfilePath: path,
    ignore: readIgnore([
      `${path}.dockerignore`,
      ...(context === undefined ? [] : [join(context, ".dockerignore")]),
    ]),
  };
}

/** The real path of a directory. @throws CONTEXT_NOT_FOUND */
export function realDirectory(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return realpathSync(path);
  const state =
    stats === undefined
      ? "no such directory"
      : "it is no directory; give the directory, and the Dockerfile with --file";
  throw new LighterError("CONTEXT_NOT_FOUND", `cannot use build context "${path}": ${state}`);
}

function defaultDockerfile(context: string | undefined): string {
  if (context === undefined)
    throw new LighterError(
      "DOCKERFILE_NOT_FOUND",
      "cannot build: neither a context nor a Dockerfile is given",
    );
  const names = ["Dockerfile", "dockerfile"].map((name) => join(context, name));
  const found = names.find((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  return found ?? join(context, "Dockerfile");
}

/**
 * What comes with a context need not be trusted: its text would stand in messages.
 * @throws DOCKERFILE_NOT_FOUND for a file of the context that is, or lies behind, a link out of it
 */
function refuseLinkOut(path: string, [named, real]: readonly [string, string]): void {
  if (!isBelow(path, named) && !isBelow(path, real)) return;
  if (statSync(path, { throwIfNoEntry: false }) === undefined || isBelow(realpathSync(path), real)) return;
  throw new LighterError(
    "DOCKERFILE_NOT_FOUND",
    `cannot read Dockerfile "${path}": it is a link out of the build context; name what it leads to with --file`,
  );
}

function isBelow(path: string, directory: string): boolean {
  return relative(resolve(directory), resolve(path)).split(sep)[0] !== "..";
}

/** @throws DOCKERFILE_NOT_FOUND */
export function readDockerfile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EISDIR") throw error;
    const state = code === "EISDIR" ? "it is a directory" : "no such file";
    throw new LighterError(
      "DOCKERFILE_NOT_FOUND",
      `cannot read Dockerfile "${path}": ${state}; name it with --file`,
      { cause: error },
    );
  }
}

function readIgnore(paths: readonly string[]): IgnoreMatcher | undefined {
  for (const path of paths) {
    const text = readIfThere(path);
    if (text !== undefined) return compileIgnore(text);
  }
  return undefined;
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes(systemErrorCode(error) ?? "")) return undefined;
    throw error;
  }
}
