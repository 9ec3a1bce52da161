import { gunzipSync } from "node:zlib";
import { LighterError } from "#base";
import type { Universe } from "#debian";
import { packageNamesOf } from "../assemble/library-packages.ts";
import { fetchListed, type ListsOptions, type VerifiedRelease } from "./suite-lists.ts";

interface Search {
  readonly universe: Universe;
  readonly releases: readonly VerifiedRelease[];
  /** Debian's name: `amd64`. */
  readonly architecture: string;
  readonly lists: ListsOptions;
}

/** No list of contents is longer when unpacked. */
const contentsLimitBytes = 1 << 30;

/**
 * The packages that have libraries, given by soname. Debian's rule for names answers for nearly all of them; for the others
 * the archive's signed list of files is asked.
 * @throws PACKAGE_NOT_FOUND, INDEX_INVALID, MIRROR_UNREACHABLE
 */
export async function findLibraries(sonames: readonly string[], search: Search): Promise<readonly string[]> {
  const found = new Map<string, string>();
  for (const soname of sonames) {
    const name = packageNamesOf(soname).find((each) => search.universe.find(each) !== undefined);
    if (name !== undefined) found.set(soname, name);
  }
  const open = sonames.filter((soname) => !found.has(soname));
  if (open.length > 0) for (const [soname, name] of await askContents(open, search)) found.set(soname, name);
  const missing = sonames.find((soname) => !found.has(soname));
  if (missing !== undefined)
    throw new LighterError(
      "PACKAGE_NOT_FOUND",
      `cannot find library "${missing}": no package of Debian ${search.releases[0]?.source.suite ?? ""} has it; put it into the recipe's files, or link the program with another one`,
      { details: { library: missing } },
    );
  return [...new Set(found.values())];
}

async function askContents(
  sonames: readonly string[],
  { universe, releases, architecture, lists }: Search,
): Promise<ReadonlyMap<string, string>> {
  const [release] = releases;
  const file = release?.release.files.get(`${release.source.component}/Contents-${architecture}.gz`);
  if (release === undefined || file === undefined) return new Map();
  const text = gunzipSync(await fetchListed(release, file, lists), { maxOutputLength: contentsLimitBytes });
  return new Map(
    sonames.flatMap((soname) => {
      const name = ownersOf(text, soname).find((each) => universe.find(each) !== undefined);
      return name === undefined ? [] : [[soname, name] as const];
    }),
  );
}

/** The packages that have a library of this name where the linker looks. A line is a path and `section/package,...`. */
function ownersOf(contents: Buffer, soname: string): readonly string[] {
  const owners: string[] = [];
  const wanted = `/${soname}`;
  for (let at = contents.indexOf(wanted); at >= 0; at = contents.indexOf(wanted, at + 1)) {
    const start = contents.lastIndexOf(10, at) + 1;
    const end = contents.indexOf(10, at);
    const line = contents.toString("utf8", start, end < 0 ? contents.length : end);
    const [, path = "", packages = ""] = /^(.*?)\s+(\S+)$/.exec(line) ?? [];
    if (/^(?:usr\/)?lib(?:64|\/[^/]+-linux-gnu[^/]*)?\/[^/]+$/.test(path) && path.endsWith(wanted))
      owners.push(...packages.split(",").map((name) => name.slice(name.lastIndexOf("/") + 1)));
  }
  return owners;
}
