import { chmodSync, lchownSync, mkdirSync, renameSync, utimesSync } from "node:fs";
import type { LayerRule } from "../recipe-definition.ts";
import type { TreeNode, TreeWriter } from "./tree-writer.ts";

/** For each rule the paths of its layer, then those that no rule takes. Hard links to one file stay together. */
export function planLayers(tree: TreeWriter, rules: readonly LayerRule[]): readonly (readonly string[])[] {
  const layers: string[][] = [...rules.map(() => []), []];
  const tests = rules.map(testOf);
  const linked = new Map<number, number>();
  for (const [path, node] of tree.entries()) {
    if (path === "") continue;
    const wanted = tests.findIndex((test) => test(path, node));
    const own = wanted < 0 ? rules.length : wanted;
    const inode = tree.sharedInode(path);
    const layer = inode === undefined ? own : (linked.get(inode) ?? own);
    if (inode !== undefined) linked.set(inode, layer);
    // A directory that only leads to files is made in each layer that needs it; the top one has them all.
    layers[node.kind === "directory" ? rules.length : layer]?.push(path);
  }
  return layers;
}

/** A package's own files, and what says that it is there. */
function testOf({ packages, paths }: LayerRule): (path: string, node: TreeNode) => boolean {
  const [isPackage, isPath] = [packages, paths].map(anyOf);
  return (path, { owner }) => {
    const status = /^var\/lib\/dpkg\/status\.d\/(.*?)(?:\.md5sums)?$/.exec(path)?.[1];
    const name = owner ?? status;
    return (name !== undefined && isPackage?.(name) === true) || isPath?.(path) === true;
  };
}

function anyOf(patterns: readonly string[]): (text: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`);
  });
  return (text) => expressions.some((expression) => expression.test(text));
}

/**
 * Moves entries of a finished tree into an empty directory of the same filesystem. The directories that lead to them are made
 * there with the attributes that they have in the tree.
 */
export function moveEntries(tree: TreeWriter, paths: readonly string[], target: string): void {
  const made = new Set<string>();
  const make = (directory: string): void => {
    if (directory === "" || made.has(directory)) return;
    make(parentOf(directory));
    mkdirSync(`${target}/${directory}`);
    made.add(directory);
  };
  for (const path of paths) {
    if (tree.directoryAttributes(path) !== undefined) make(path);
    else {
      make(parentOf(path));
      renameSync(tree.placeOf(path), `${target}/${path}`);
    }
  }
  // Deepest first: what is made in a directory changes its time.
  for (const directory of [...made].sort().reverse()) {
    const attributes = tree.directoryAttributes(directory);
    if (attributes === undefined) continue;
    const { uid, gid, mode, mtimeSeconds } = attributes;
    const place = `${target}/${directory}`;
    lchownSync(place, uid, gid);
    chmodSync(place, mode);
    utimesSync(place, mtimeSeconds, mtimeSeconds);
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
