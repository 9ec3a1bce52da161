export { type ElfFile, type ElfKind, isElf, readElf, type VersionNeed } from "./elf-file.ts";
export { type LibraryTree, type LinkFault, type LinkMap, linkTree } from "./link-tree.ts";
export { shortenSegment } from "./shorten-segment.ts";
export { stripSymbols } from "./strip-symbols.ts";
