import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join, posix } from "node:path";
import { layerChunks } from "#image";
import { Extraction } from "#snapshot";
import type { ContainerRecord } from "./container-record.ts";
import { copyFiles } from "./copy-files.ts";
import type { Parts } from "./parts.ts";

/** A copy out of a container as a tar archive, or into it from one. */
export interface ArchiveCopyRequest {
  /** Of the container; into it a directory that is there. */
  readonly containerPath: string;
  /** Into a container: the files are to be its user's, where it has one; without they keep the owners that the archive says. */
  readonly archive?: boolean;
  readonly followLink?: boolean;
}

/** The copy lies on the disk first: a container stands still while it is made, not while somebody reads it. */
export async function* copyOutArchive(
  parts: Parts,
  record: ContainerRecord,
  { containerPath, followLink = false }: ArchiveCopyRequest,
): AsyncGenerator<Buffer> {
  using place = temporary(parts);
  const name = basename(posix.resolve("/", containerPath));
  const isRooted = name !== "" && containerPath.endsWith("/.");
  const hostPath = name === "" ? place.path : join(place.path, name);
  const from = name === "" ? "/." : containerPath;
  await copyFiles(parts, record, {
    direction: "out",
    hostPath,
    containerPath: from,
    archive: true,
    followLink,
  });
  const tree = isRooted ? hostPath : place.path;
  for (const chunk of layerChunks(tree, { files: parts.host.files, isRooted })) yield Buffer.from(chunk);
}

/** @throws CONTAINER_INVALID, ARCHIVE_INVALID, ARCHIVE_HOSTILE */
export async function copyInArchive(
  parts: Parts,
  record: ContainerRecord,
  request: ArchiveCopyRequest & { readonly source: AsyncIterable<Uint8Array> },
): Promise<void> {
  using place = temporary(parts);
  {
    using extraction = new Extraction({ host: parts.host, root: `${place.path}/.` });
    for await (const chunk of request.source) extraction.write(chunk);
    extraction.finish();
  }
  await copyFiles(parts, record, {
    direction: "in",
    hostPath: `${place.path}/.`,
    containerPath: `${request.containerPath.replace(/\/\.?$/, "")}/`,
    mustExist: true,
    ...(request.archive === undefined ? {} : { archive: request.archive }),
  });
}

function temporary({ root }: Parts): Disposable & { readonly path: string } {
  mkdirSync(join(root, "run"), { recursive: true, mode: 0o711 });
  const closed = mkdtempSync(join(root, "run", ".copy-"));
  // A directory below, because a copy takes the mode of what it is of: nobody else may come to its files.
  const path = join(closed, "files");
  mkdirSync(path);
  return { path, [Symbol.dispose]: () => rmSync(closed, { recursive: true, force: true }) };
}
