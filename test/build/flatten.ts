import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { createHost } from "#host";
import { LayeredTree } from "../../src/build/tree/layered-tree.ts";
import { joinPath } from "../../src/build/tree/tree.ts";

/** The merged tree of layers, path to `kind mode uid:gid content`. */
export function flatten(layers: readonly string[]): ReadonlyMap<string, string> {
  const tree = new LayeredTree(layers, createHost().files);
  const found = new Map<string, string>();
  const walk = (directory: string): void => {
    for (const name of tree.list(directory)) {
      const path = joinPath(directory, name);
      const entry = tree.find(path);
      if (entry === undefined) continue;
      const { kind, mode, uid, gid, location } = entry;
      const content = kind === "symlink" ? readlinkSync(location) : kind === "file" ? fileText(location) : "";
      found.set(
        kind === "directory" ? `${path}/` : path,
        `${mode.toString(8)} ${uid}:${gid} ${content}`.trimEnd(),
      );
      if (kind === "directory") walk(path);
    }
  };
  walk("");
  return found;
}

function fileText(location: string): string {
  const bytes = readFileSync(location);
  return bytes.length < 100 ? bytes.toString() : createHash("sha256").update(bytes).digest("hex");
}
