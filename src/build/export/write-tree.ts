import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Host } from "#host";
import { type LayerTimes, layerChunks } from "#image";
import { Extraction } from "#snapshot";

/** Others get a turn after so long: the display, Ctrl-C. */
const turnMs = 30;

interface TreeOptions {
  readonly host: Host;
  readonly times: LayerTimes;
  readonly signal: AbortSignal | undefined;
}

/** A tree as an archive, in chunks that are valid until the next is asked for. */
export async function* treeArchive(path: string, options: TreeOptions): AsyncGenerator<Uint8Array> {
  let since = performance.now();
  for (const chunk of layerChunks(path, { files: options.host.files, times: options.times })) {
    options.signal?.throwIfAborted();
    yield chunk;
    if (performance.now() - since < turnMs) continue;
    await setImmediate();
    since = performance.now();
  }
}

/**
 * Copies a tree into a directory, which may hold other things already. The files belong to who builds; links in the
 * directory are replaced and never followed.
 */
export async function copyTree(
  path: string,
  directory: string,
  options: TreeOptions & { readonly mode: "copy" | "delete" },
): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  {
    using extraction = new Extraction({ host: options.host, root: directory, owner });
    for await (const chunk of treeArchive(path, options)) extraction.write(chunk);
    extraction.finish();
  }
  if (options.mode === "delete") removeOthers(path, directory);
}

/** Removes from `directory` what `path` does not have. */
function removeOthers(path: string, directory: string): void {
  for (const name of readdirSync(directory)) {
    const inside = join(directory, name);
    const wanted = lstatSync(join(path, name), { throwIfNoEntry: false });
    if (wanted === undefined) rmSync(inside, { recursive: true, force: true });
    else if (wanted.isDirectory() && lstatSync(inside).isDirectory()) removeOthers(join(path, name), inside);
  }
}
