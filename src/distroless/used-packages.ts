import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, parseDigest } from "#oci";
import type { LocatedPackage } from "./mirror/package-cache.ts";

interface Wanted {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
}

/**
 * Finds files of packages in the answers that are kept: name, version and architecture name one file of an archive. They are
 * read when the first package is asked for.
 */
export function openUsedPackages(
  folder: string,
): (item: Wanted) => { readonly digest: Digest; readonly url: string } | undefined {
  let known: ReadonlyMap<string, LocatedPackage> | undefined;
  return (item) => {
    known ??= new Map([...listUsed(folder)].map((each) => [keyOf(each.candidate), each]));
    const found = known.get(keyOf(item));
    if (found === undefined) return undefined;
    const { url, candidate } = found;
    return { digest: parseDigest(`sha256:${candidate.sha256}`), url: `${url}/${candidate.filename}` };
  };
}

function keyOf({ name, version, architecture = "" }: Wanted): string {
  return `${name} ${version} ${architecture}`;
}

function* listUsed(folder: string): Generator<LocatedPackage> {
  let names: readonly string[] = [];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch {
    return;
  }
  for (const name of names) yield* readSet(join(folder, name));
}

function readSet(path: string): readonly LocatedPackage[] {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as readonly LocatedPackage[];
  } catch {
    return [];
  }
}
