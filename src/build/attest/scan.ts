import { readFileSync } from "node:fs";
import type { Files } from "#host";
import type { Digest } from "#oci";
import { formatSpdx, readDistribution, readPackages, type Sbom, type SbomTree } from "#sbom";
import { LayeredTree } from "../tree/layered-tree.ts";
import { resolveInTree } from "../tree/resolve.ts";
import { type Predicate, predicateTypes } from "./statement.ts";

/** Package databases of whole distributions stay well below. */
const largestBytes = 64 << 20;

/** What is described, and by whom. */
export interface ScanFacts {
  readonly files: Pick<Files, "getXattr">;
  readonly name: string;
  readonly digest: Digest | undefined;
  readonly created: string;
  readonly tool: string;
}

/** Says which packages a tree holds, as its package databases have it. */
export function sbomOf(layers: readonly string[], facts: ScanFacts): Predicate {
  return { type: predicateTypes.spdx, name: "sbom.spdx", body: formatSpdx(readSbom(layers, facts)) };
}

/** Reads the package databases of a tree, given by its layers, top first. */
export function readSbom(layers: readonly string[], facts: ScanFacts): Sbom {
  const tree = treeOf(new LayeredTree(layers, facts.files));
  const distribution = readDistribution(tree);
  return {
    name: facts.name,
    created: facts.created,
    tool: facts.tool,
    packages: readPackages(tree),
    ...(facts.digest !== undefined && { digest: facts.digest }),
    ...(distribution !== undefined && { distribution }),
  };
}

/** Links are followed inside the tree only, whatever they say. */
function treeOf(tree: LayeredTree): SbomTree {
  return {
    read(path) {
      const entry = tree.find(resolveInTree(tree, path, true));
      if (entry?.kind !== "file" || entry.sizeBytes > largestBytes) return undefined;
      return readFileSync(entry.location, "utf8");
    },
    list: (path) => tree.list(resolveInTree(tree, path, true)),
  };
}
