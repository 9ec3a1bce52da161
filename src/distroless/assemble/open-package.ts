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

/** A package taken apart; nothing is decoded yet. */
export interface OpenPackage {
  readonly candidate: BinaryPackage;
  /** @throws PACKAGE_INVALID, also when the package inside is not the one that the index describes */
  readControl(): Promise<PackageControl>;
  /** Of the data archive, a tar: parts that may be decoded in any order and belong together in this one. */
  readonly dataParts: readonly PackedPart[];
}

export interface PackageControl {
  readonly paragraph: Paragraph;
  /** The other files of the control archive, by name. */
  readonly files: ReadonlyMap<string, ControlFile>;
}

export interface PackedPart {
  /** Length when decoded; for other formats than xz a guess. */
  readonly sizeBytes: number;
  /** Off the main thread. @throws PACKAGE_INVALID */
  decode(): Promise<Uint8Array>;
}

/** No package of a base unpacks to more; a stream that does is made to fill the disk. */
const unpackedLimitBytes = 2 ** 31;
const gunzipAsync = promisify(gunzip);

/** Takes a .deb apart. @throws PACKAGE_INVALID */
export function openPackage(candidate: BinaryPackage, deb: Uint8Array, codecs: Codecs): OpenPackage {
  try {
    const { control, data } = readDebParts(deb);
    return {
      candidate,
      readControl: () => inPackage(candidate, () => readControl(control, candidate, codecs)),
      dataParts: packedParts(data, codecs).map(({ sizeBytes, decode }) => ({
        sizeBytes,
        decode: () => inPackage(candidate, decode),
      })),
    };
  } catch (error) {
    throw ofPackage(candidate, error);
  }
}

/** Runs `action` and lets its failures name the package. */
async function inPackage<T>(candidate: BinaryPackage, action: () => Promise<T>): Promise<T> {
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

async function readControl(part: DebPart, candidate: BinaryPackage, codecs: Codecs): Promise<PackageControl> {
  const pieces = await Promise.all(packedParts(part, codecs).map(({ decode }) => decode()));
  const files = new Map<string, ControlFile>();
  for (const { entry, data } of readTar(Buffer.concat(pieces))) {
    const { kind, path, mode, mtimeSeconds } = checkDebEntry(entry);
    if (kind === "file" && /^[a-z0-9+.-]+$/i.test(path)) files.set(path, { mode, mtimeSeconds, bytes: data });
  }
  const paragraph = parseParagraph(Buffer.from(files.get("control")?.bytes ?? []).toString("utf8"));
  files.delete("control");
  rejectOther(paragraph, candidate);
  return { paragraph, files };
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

function packedParts({ compression, bytes }: DebPart, codecs: Codecs): readonly PackedPart[] {
  const guess = bytes.length * 4;
  switch (compression) {
    case "none":
      return [{ sizeBytes: bytes.length, decode: async () => bytes }];
    case "xz":
      return xzParts(bytes, codecs);
    case "zstd":
      return [{ sizeBytes: guess, decode: () => codecs.zstd(bytes) }];
    case "gzip":
      return [{ sizeBytes: guess, decode: () => inflate(bytes) }];
  }
}

function xzParts(bytes: Uint8Array, codecs: Codecs): readonly PackedPart[] {
  const parts = splitXz(bytes);
  if (parts === undefined)
    throw new LighterError("PACKAGE_INVALID", "cannot unpack package: its xz data is damaged");
  const total = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > unpackedLimitBytes)
    throw new LighterError("PACKAGE_INVALID", `cannot unpack package: it would unpack to ${total} bytes`);
  return parts.map(({ bytes: part, sizeBytes }) => ({
    sizeBytes,
    decode: () => codecs.xz(part, { sizeBytes }),
  }));
}

async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await gunzipAsync(bytes, { maxOutputLength: unpackedLimitBytes });
  } catch (cause) {
    throw new LighterError("PACKAGE_INVALID", "cannot unpack package: its gzip data is damaged", { cause });
  }
}
