import { LighterError, type OnProgress } from "#base";
import type { Codecs } from "#host";
import type { LocatedPackage, PackageCache } from "../mirror/package-cache.ts";
import type { InstalledPackage } from "./assembly.ts";
import { type OpenPackage, openPackage, type PackageControl } from "./open-package.ts";
import { prefetch, type Task } from "./prefetch.ts";
import { PackageUnpacker, type UnpackOptions } from "./unpack.ts";

/** What is unpacked, and from where. */
export interface UnpackAllOptions extends Omit<UnpackOptions, "packages"> {
  readonly packages: readonly LocatedPackage[];
  readonly cache: PackageCache;
  readonly codecs: Codecs;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal;
}

/** Decoded bytes that may wait to be written: enough to keep a few processors busy, little enough for a small machine. */
const decodeAheadBytes = 64 << 20;

/** What a part weighs at least, so that no more than sixteen are decoded at once: the host takes only so many calls. */
const leastWeight = 4 << 20;

/**
 * Unpacks packages while the next ones are downloaded and decoded.
 * @returns the packages by name, and the time of their newest file
 */
export async function unpackAll(
  options: UnpackAllOptions,
): Promise<{ readonly packages: ReadonlyMap<string, InstalledPackage>; readonly epochSeconds: number }> {
  const { tree, isExcluded, collect, signal } = options;
  const packages = new Map(options.packages.map(({ candidate }) => [candidate.name, candidate]));
  const installed = new Map<string, InstalledPackage>();
  const report = progressOf(options);
  let epochSeconds = 0;
  let unpacker: PackageUnpacker | undefined;
  try {
    for await (const part of prefetch(decodeInOrder(options), decodeAheadBytes)) {
      if (signal?.aborted) throw new LighterError("CANCELLED", "cannot assemble the image: cancelled");
      const { candidate } = part.opened;
      unpacker ??= new PackageUnpacker(candidate, {
        tree,
        packages,
        isExcluded,
        ...(collect && { collect }),
      });
      unpacker.write(part.data);
      if (!part.isLast) continue;
      const { paths, newestSeconds } = unpacker.end();
      unpacker = undefined;
      epochSeconds = Math.max(epochSeconds, newestSeconds);
      const { paragraph: control, files: controlFiles } = await part.control;
      installed.set(candidate.name, { candidate, control, controlFiles, paths });
      report(candidate.sizeBytes);
    }
  } finally {
    unpacker?.[Symbol.dispose]();
  }
  report(undefined);
  return { packages: installed, epochSeconds };
}

/** The order in which packages are downloaded and unpacked: the largest first, so that none is left for the end. */
export function inUnpackOrder(packages: readonly LocatedPackage[]): readonly LocatedPackage[] {
  return [...packages].sort(
    ({ candidate: a }, { candidate: b }) => b.sizeBytes - a.sizeBytes || (a.name < b.name ? -1 : 1),
  );
}

interface DecodedPart {
  readonly opened: OpenPackage;
  readonly control: Promise<PackageControl>;
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

/** The parts of all packages, in the one order on which the result may depend. */
async function* decodeInOrder(options: UnpackAllOptions): AsyncGenerator<Task<DecodedPart>> {
  const { cache, codecs, signal } = options;
  for (const located of inUnpackOrder(options.packages)) {
    const deb = await cache.read(located, { ...(signal && { signal }) });
    const opened = openPackage(located.candidate, deb, codecs);
    const control = opened.readControl();
    // Awaited with each part; a reader that stops before awaits it nowhere.
    control.catch(() => {});
    const last = opened.dataParts.at(-1);
    for (const part of opened.dataParts) {
      const run = async () => {
        // Nothing of a package is written before it is known to be the right one.
        const [data] = await Promise.all([part.decode(), control]);
        return { opened, control, data, isLast: part === last };
      };
      yield { weight: Math.max(part.sizeBytes, leastWeight), run };
    }
  }
}

/** Adds what is done to the progress; undefined ends it. */
function progressOf({ packages, onProgress }: UnpackAllOptions): (bytes: number | undefined) => void {
  const total = packages.reduce((sum, { candidate }) => sum + candidate.sizeBytes, 0);
  const line = {
    id: "unpack packages",
    label: `unpack ${packages.length} packages`,
    unit: "bytes",
    total,
  } as const;
  let current = 0;
  return (bytes) => {
    current += bytes ?? 0;
    onProgress({ ...line, current, ...(bytes === undefined && { done: true }) });
  };
}
