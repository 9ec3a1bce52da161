import { readElf } from "#elf";
import { type Assembly, rootOwned } from "./assembly.ts";

/** ELF machine and the flags by which glibc marks its libraries in the cache. */
const targets: Readonly<Record<string, { readonly machine: number; readonly flags: number }>> = {
  amd64: { machine: 62, flags: 0x0303 },
  arm64: { machine: 183, flags: 0x0a03 },
};

/**
 * Writes /etc/ld.so.cache as ldconfig would: libraries of the configured directories by soname. For other architectures
 * there is none; the linker then searches its standard directories.
 */
export function writeLibraryCache(assembly: Assembly): void {
  const target = targets[assembly.architecture];
  if (target === undefined || assembly.tree.resolve("sbin/ldconfig") === undefined) return;
  const seen = new Set<string>();
  const libraries: CachedLibrary[] = [];
  for (const directory of listDirectories(assembly)) {
    const real = assembly.tree.resolve(directory);
    // With a merged /usr several names are one directory: the first counts.
    if (real === undefined || seen.has(real)) continue;
    seen.add(real);
    for (const soname of listSonames(assembly, real, target.machine))
      libraries.push({ soname, path: `${directory}/${soname}` });
  }
  libraries.sort((a, b) => compareLibraryNames(b.soname, a.soname));
  assembly.tree.file("etc/ld.so.cache", formatCache(libraries, target.flags), rootOwned(assembly));
}

interface CachedLibrary {
  readonly soname: string;
  readonly path: string;
}

/** Of /etc/ld.so.conf and what it includes, in order, then the system's own. */
export function listDirectories({ tree }: Assembly): readonly string[] {
  const files = [...tree.entries()]
    .filter(([path]) => /^etc\/ld\.so\.conf\.d\/[^/]+\.conf$/.test(path))
    .map(([path]) => path)
    .sort();
  const configured = files.flatMap((path) =>
    (tree.read(path)?.toString("utf8") ?? "")
      .split("\n")
      .map((line) => line.replace(/#.*/, "").trim())
      .filter((line) => line.startsWith("/")),
  );
  return [...configured, "/lib", "/usr/lib"];
}

function listSonames({ tree }: Assembly, directory: string, machine: number): readonly string[] {
  const names = new Set<string>();
  for (const [path, node] of tree.entriesIn(directory)) {
    const name = path.slice(directory.length + 1);
    if (!/^(?:lib.*|ld-.*)\.so(?:\.|$)/.test(name)) continue;
    const bytes = tree.read(path);
    const library = bytes === undefined ? undefined : readElf(bytes);
    if (library?.kind !== "library" || library.machine !== machine) continue;
    const soname = library.soname ?? name;
    // A link for ld(1), as libcrypt.so to libcrypt.so.1, is listed under its own name: ldconfig does it, too.
    const isDevelopmentLink = node.kind === "symlink" && name.endsWith(".so") && soname.startsWith(name);
    const listed = isDevelopmentLink ? name : soname;
    if (tree.resolve(`${directory}/${listed}`) !== undefined) names.add(listed);
  }
  return [...names];
}

/** glibc's order: runs of digits as numbers, a digit after any other character. @see glibc 2.36 elf/dl-cache.c, _dl_cache_libcmp */
export function compareLibraryNames(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length) {
    const isDigitA = isDigit(a, i);
    const isDigitB = isDigit(b, j);
    if (isDigitA && isDigitB) {
      const left = /^\d+/.exec(a.slice(i))?.[0] ?? "";
      const right = /^\d+/.exec(b.slice(j))?.[0] ?? "";
      if (Number(left) !== Number(right)) return Number(left) - Number(right);
      i += left.length;
      j += right.length;
    } else if (isDigitA) return 1;
    else if (isDigitB) return -1;
    else if (a[i] !== b[j]) return a.charCodeAt(i) - (j < b.length ? b.charCodeAt(j) : 0);
    else {
      i += 1;
      j += 1;
    }
  }
  return j < b.length ? -b.charCodeAt(j) : 0;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

const headerBytes = 48;
const entryBytes = 24;
const littleEndian = 2;

/** glibc's cache of format 1.1; a soname is the end of its path, so each string stands once. */
function formatCache(libraries: readonly CachedLibrary[], flags: number): Buffer {
  const stringsAt = headerBytes + libraries.length * entryBytes;
  const strings = Buffer.from(libraries.map(({ path }) => `${path}\0`).join(""), "latin1");
  const cache = Buffer.alloc(stringsAt + strings.length);
  cache.write("glibc-ld.so.cache1.1", 0, "latin1");
  cache.writeUInt32LE(libraries.length, 20);
  cache.writeUInt32LE(strings.length, 24);
  cache.writeUInt8(littleEndian, 28);
  let at = headerBytes;
  let stringAt = stringsAt;
  for (const { soname, path } of libraries) {
    cache.writeUInt32LE(flags, at);
    cache.writeUInt32LE(stringAt + path.length - soname.length, at + 4);
    cache.writeUInt32LE(stringAt, at + 8);
    at += entryBytes;
    stringAt += path.length + 1;
  }
  strings.copy(cache, stringsAt);
  return cache;
}
