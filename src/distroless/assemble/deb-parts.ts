import { readAr } from "#archive";
import { LighterError } from "#base";

/** The two archives inside a binary package, still compressed. */
export interface DebParts {
  readonly control: DebPart;
  readonly data: DebPart;
}

export interface DebPart {
  readonly compression: "none" | "gzip" | "xz" | "zstd";
  /** A view of the package's bytes, no copy. */
  readonly bytes: Uint8Array;
}

const compressions: Readonly<Record<string, DebPart["compression"]>> = {
  "": "none",
  ".gz": "gzip",
  ".xz": "xz",
  ".zst": "zstd",
};

/**
 * Finds the parts of a .deb: an ar archive of `debian-binary`, `control.tar*` and `data.tar*`, in this order.
 * @throws PACKAGE_INVALID, ARCHIVE_INVALID
 * @see https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html
 */
export function readDebParts(bytes: Uint8Array): DebParts {
  const [format, control, data] = readAr(bytes).filter(({ name }) => !name.startsWith("_"));
  if (format?.name !== "debian-binary" || !/^2\.[0-9]+\n/.test(Buffer.from(format.data).toString("latin1")))
    throw invalid("it does not begin with a debian-binary member of version 2");
  return { control: part("control.tar", control), data: part("data.tar", data) };
}

function part(
  stem: string,
  member: { readonly name: string; readonly data: Uint8Array } | undefined,
): DebPart {
  const compression = member?.name.startsWith(stem)
    ? compressions[member.name.slice(stem.length)]
    : undefined;
  if (member === undefined || compression === undefined)
    throw invalid(`its member ${stem} is ${member === undefined ? "missing" : `"${member.name}"`}`);
  return { compression, bytes: member.data };
}

function invalid(why: string): LighterError {
  return new LighterError("PACKAGE_INVALID", `cannot unpack package: ${why}`);
}
