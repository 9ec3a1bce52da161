import type { BinaryPackage, Paragraph } from "#debian";
import type { Attributes, TreeWriter } from "./tree-writer.ts";

/** A package that has been unpacked, with what its control archive held. */
export interface InstalledPackage {
  readonly candidate: BinaryPackage;
  readonly control: Paragraph;
  readonly controlFiles: ReadonlyMap<string, ControlFile>;
  /** Absolute paths it brought, as dpkg lists them. */
  readonly paths: readonly string[];
}

/** A file of a control archive: `md5sums`, `conffiles`, `postinst`, … */
export interface ControlFile {
  readonly mode: number;
  readonly mtimeSeconds: number;
  readonly bytes: Uint8Array;
}

/** A tree with all packages unpacked, to be finished: what maintainer scripts would do is written into it. */
export interface Assembly {
  readonly tree: TreeWriter;
  /** By name. */
  readonly packages: ReadonlyMap<string, InstalledPackage>;
  /** Debian's name: `amd64`. */
  readonly architecture: string;
  /** Certificates of authorities that were read and not written, by path; undefined when they are in the tree. */
  readonly certificates?: ReadonlyMap<string, Buffer>;
  /** Real paths of packages' files that do not have their packages' bytes any more. */
  readonly changed?: ReadonlySet<string>;
  /** Time of the newest file of any package: the time of everything that is made here, so that equal packages give equal images. */
  readonly epochSeconds: number;
}

/** Attributes of a root-owned file made now. */
export function rootOwned({ epochSeconds }: Pick<Assembly, "epochSeconds">, mode = 0o644): Attributes {
  return { mode, uid: 0, gid: 0, mtimeSeconds: epochSeconds };
}

/** Text of a control file, or undefined. */
export function controlText(installed: InstalledPackage, name: string): string | undefined {
  const file = installed.controlFiles.get(name);
  return file === undefined ? undefined : Buffer.from(file.bytes).toString("utf8");
}
