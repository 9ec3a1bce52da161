import { LighterError } from "#base";
import type { TarEntry } from "./entry.ts";
import { TarReader } from "./reader.ts";

/** An entry of an archive held in memory, with its contents (holes filled with zeros). */
export interface TarMember {
  readonly entry: TarEntry;
  readonly data: Buffer;
}

/** No file inside an archive that is held in memory may be longer, holes included. */
const memberLimitBytes = 256 << 20;

/** Reads an archive that is held in memory, such as a package's control archive. @throws ARCHIVE_INVALID */
export function readTar(bytes: Uint8Array): readonly TarMember[] {
  const members: TarMember[] = [];
  let data = Buffer.alloc(0);
  const reader = new TarReader({
    onEntry(entry) {
      if (entry.sizeBytes > memberLimitBytes)
        throw new LighterError(
          "ARCHIVE_HOSTILE",
          `cannot read "${entry.path}" into memory: it claims ${entry.sizeBytes} bytes`,
        );
      data = Buffer.alloc(entry.sizeBytes);
    },
    onData(chunk, offset) {
      chunk.copy(data, offset);
    },
    onEntryEnd(entry) {
      members.push({ entry, data });
    },
  });
  reader.write(bytes);
  reader.end();
  return members;
}
