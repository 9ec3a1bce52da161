export { type ArMember, listArMembers, readAr } from "./ar.ts";
export { type Segment, type TarEntry, type TarKind, tarEntry } from "./entry.ts";
export { decodeName, encodeName, hasEscapes } from "./name.ts";
export { readTar, type TarMember } from "./read-bytes.ts";
export { TarReader, type TarSink } from "./reader.ts";
export { formatTarHeader, tarEnd, tarPadding } from "./writer.ts";
