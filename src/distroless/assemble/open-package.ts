import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { readTar } from "#archive";
import { errorMessage, isLighterError, LighterError } from "#base";
import { type BinaryPackage, type Paragraph, parseParagraph } from "#debian";
import type { Codecs } from "#host";
import type { ControlFile } from "./assembly.ts";
import { checkDebEntry } from "./deb-entries.ts";
import { type DebPart, readDebParts } from "./deb-parts.ts";
import { splitXz } from "./xz-blocks.ts";

/** A package taken apart. */
export interface OpenPackage {
  readonly candidate: BinaryPackage;
  readonly control: Paragraph;
  /** The other files of the control archive, by name. */
  readonly controlFiles: ReadonlyMap<string, ControlFile>;
  /** Decodes the data archive, a tar, in parts that may be decoded in any order and belong together in this one. */
  readonly dataParts: readonly (() => Promise<Uint8Array>)[];
}

/** No package of a base unpacks to more; a stream that does is made to fill the disk. */
const unpackedLimitBytes = 2 ** 31;
const gunzipAsync = promisify(gunzip);

/**
 * Takes a .deb apart and reads its control archive.
 * @throws PACKAGE_INVALID, also when the package inside is not the one that the index describes
 */
export async function openPackage(
  candidate: BinaryPackage,
  deb: Uint8Array,
  codecs: Codecs,
): Promise<OpenPackage> {
  return await inPackage(candidate, async () => {
    const { control: controlPart, data } = readDebParts(deb);
    const files = await readControl(controlPart, codecs);
    const control = parseParagraph(Buffer.from(files.get("control")?.bytes ?? []).toString("utf8"));
    files.delete("control");
    rejectOther(control, candidate);
    const dataParts = decoders(data, codecs).map((decode) => () => inPackage(candidate, decode));
    return { candidate, control, controlFiles: files, dataParts };
  });
}

/** Runs `action` and lets its failures name the package. */
export async function inPackage<T>(candidate: BinaryPackage, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw ofPackage(candidate, error);
  }
}

/** A failure of reading or unpacking a package, with the package's name; any other failure as it is. */
export function ofPackage({ name, version }: BinaryPackage, error: unknown): unknown {
  const isKnown = isLighterError(
    error,
    "PACKAGE_INVALID",
    "INDEX_INVALID",
    "ARCHIVE_INVALID",
    "ARCHIVE_HOSTILE",
    "PACKAGES_CONFLICT",
  );
  if (!isKnown) return error;
  const code = error.code === "PACKAGES_CONFLICT" ? error.code : "PACKAGE_INVALID";
  return new LighterError(code, `${errorMessage(error)} (in package ${name} ${version})`, {
    cause: error,
    details: { package: name, version },
  });
}

async function readControl(part: DebPart, codecs: Codecs): Promise<Map<string, ControlFile>> {
  const pieces = await Promise.all(decoders(part, codecs).map((decode) => decode()));
  const files = new Map<string, ControlFile>();
  for (const { entry, data } of readTar(Buffer.concat(pieces))) {
    const { kind, path, mode, mtimeSeconds } = checkDebEntry(entry);
    if (kind === "file" && /^[a-z0-9+.-]+$/i.test(path)) files.set(path, { mode, mtimeSeconds, bytes: data });
  }
  return files;
}

function rejectOther(control: Paragraph, { name, version, architecture }: BinaryPackage): void {
  for (const [field, expected] of Object.entries({
    Package: name,
    Version: version,
    Architecture: architecture,
  })) {
    const found = control.find(field) ?? "";
    if (found !== expected)
      throw new LighterError(
        "PACKAGE_INVALID",
        `cannot unpack package: its ${field} is "${found}", the package list says "${expected}"`,
      );
  }
}

function decoders({ compression, bytes }: DebPart, codecs: Codecs): readonly (() => Promise<Uint8Array>)[] {
  switch (compression) {
    case "none":
      return [async () => bytes];
    case "xz":
      return xzDecoders(bytes, codecs);
    case "zstd":
      return [() => codecs.zstd(bytes)];
    case "gzip":
      return [() => inflate(bytes)];
  }
}

function xzDecoders(bytes: Uint8Array, codecs: Codecs): readonly (() => Promise<Uint8Array>)[] {
  const parts = splitXz(bytes);
  if (parts === undefined)
    throw new LighterError("PACKAGE_INVALID", "cannot unpack package: its xz data is damaged");
  const total = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > unpackedLimitBytes)
    throw new LighterError("PACKAGE_INVALID", `cannot unpack package: it would unpack to ${total} bytes`);
  return parts.map(
    ({ bytes: part, sizeBytes }) =>
      () =>
        codecs.xz(part, { sizeBytes }),
  );
}

async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await gunzipAsync(bytes, { maxOutputLength: unpackedLimitBytes });
  } catch (cause) {
    throw new LighterError("PACKAGE_INVALID", "cannot unpack package: its gzip data is damaged", { cause });
  }
}
