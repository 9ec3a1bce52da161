import type { VersionNeed } from "./elf-file.ts";

/** A table of GNU's symbol versions. @see https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html */
interface VersionTable {
  readonly file: Buffer;
  readonly text: (offset: number) => string;
  readonly offset: number | undefined;
  /** Number of entries, as the file says. */
  readonly count: number;
}

const weak = 2;
/** More than any library has; a damaged count must not keep the reader busy. */
const entryLimit = 10_000;

/** Of `.gnu.version_r`, without those that may be absent. */
export function readNeededVersions({ file, text, offset, count }: VersionTable): readonly VersionNeed[] {
  const needs: VersionNeed[] = [];
  let at = offset;
  for (let i = 0; at !== undefined && i < Math.min(count, entryLimit); i += 1) {
    const versions = file.readUInt16LE(at + 2);
    const library = text(file.readUInt32LE(at + 4));
    let entry = at + file.readUInt32LE(at + 8);
    for (let j = 0; j < Math.min(versions, entryLimit); j += 1) {
      const isWeak = (file.readUInt16LE(entry + 4) & weak) !== 0;
      if (!isWeak) needs.push({ library, version: text(file.readUInt32LE(entry + 8)) });
      entry += file.readUInt32LE(entry + 12);
    }
    const next = file.readUInt32LE(at + 12);
    at = next === 0 ? undefined : at + next;
  }
  return needs;
}

/** Of `.gnu.version_d`; the library's own name is among them. */
export function readDefinedVersions({ file, text, offset, count }: VersionTable): readonly string[] {
  const versions: string[] = [];
  let at = offset;
  for (let i = 0; at !== undefined && i < Math.min(count, entryLimit); i += 1) {
    const first = at + file.readUInt32LE(at + 12);
    versions.push(text(file.readUInt32LE(first)));
    const next = file.readUInt32LE(at + 16);
    at = next === 0 ? undefined : at + next;
  }
  return versions;
}
