import { createHash } from "node:crypto";
import { closeSync, constants, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import type { LayerTimes } from "#image";
import { makeStatement, type Predicate, type Subject } from "../attest/statement.ts";
import { joinOrigins } from "../times/time-origin.ts";
import { platformName } from "./compose.ts";
import type { OutputContext } from "./context.ts";
import { writeArchive } from "./destination.ts";
import type { LocalOutput, TarOutput, TreeForm } from "./output.ts";
import { type PlatformResult, timesInLayer } from "./platform-image.ts";
import { type ExtraFile, type TreePart, viewTrees } from "./tree-view.ts";
import { copyTree, treeArchive } from "./write-tree.ts";

/** Writes the files of the results into a directory or an archive. */
export async function writeTree(output: LocalOutput | TarOutput, context: OutputContext): Promise<void> {
  const { host, signal } = context;
  await using view = await viewTrees(await partsOf(output.tree, context), viewOptions(context));
  const options = { host, signal, times: timesOf(context) };
  if (output.kind === "tar") await writeArchive(output.dest, treeArchive(view.path, options), context);
  else await copyTree(view.path, output.directory, { ...options, mode: output.mode });
}

function viewOptions({ host, snapshots, making }: OutputContext): Parameters<typeof viewTrees>[1] {
  return { host, snapshots, epochSeconds: making.epochSeconds };
}

async function partsOf(tree: TreeForm, context: OutputContext): Promise<readonly TreePart[]> {
  const { results, isMultiPlatform } = context;
  const isSplit = tree.platformSplit ?? isMultiPlatform;
  const parts: TreePart[] = [];
  for (const result of results) {
    const platform = platformName(result.plan.platform);
    parts.push({
      directory: isSplit ? platform : "",
      snapshot: result.target?.snapshot,
      files: await attestationFiles(result, {
        context,
        prefix: tree.attestationPrefix,
        suffix: isMultiPlatform && !isSplit ? `.${platform}` : "",
      }),
    });
  }
  return parts;
}

/** `provenance.json`, `sbom.spdx.json`: statements about the files. */
async function attestationFiles(
  result: PlatformResult,
  options: { readonly context: OutputContext; readonly prefix: string; readonly suffix: string },
): Promise<readonly ExtraFile[]> {
  const { context, prefix, suffix } = options;
  const predicates = context.predicates?.(result) ?? [];
  if (predicates.length === 0) return [];
  const subjects = await subjectsOf(result, context);
  return predicates.map((predicate) => ({
    name: `${prefix}${fileName(predicate, suffix)}`,
    text: `${JSON.stringify(makeStatement(predicate, subjects), undefined, 2)}\n`,
  }));
}

function fileName({ name }: Predicate, suffix: string): string {
  return `${name}${suffix}.json`;
}

async function subjectsOf(result: PlatformResult, context: OutputContext): Promise<readonly Subject[]> {
  const part = { directory: "", snapshot: result.target?.snapshot, files: [] };
  await using view = await viewTrees([part], viewOptions(context));
  return [...listFiles(view.path, "")].map((name) => ({
    name,
    digest: {
      sha256: hashFile(join(view.path, name)),
    },
  }));
}

/** In pieces: a file may be larger than memory. Synchronously, for only this thread sees the mount. */
function hashFile(path: string): string {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafeSlow(1 << 20);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (let length = readSync(fd, piece); length > 0; length = readSync(fd, piece))
      hash.update(piece.subarray(0, length));
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}

function* listFiles(root: string, path: string): Generator<string, void, undefined> {
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) yield* listFiles(root, inside);
    else if (entry.isFile()) yield inside;
  }
}

/** Files carry the times that they have in the image. */
function timesOf({ results, making }: OutputContext): LayerTimes {
  return timesInLayer(
    joinOrigins(results.flatMap(({ target }) => (target === undefined ? [] : [target.origin]))),
    making,
  );
}
