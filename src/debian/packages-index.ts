import { type BinaryPackage, parseBinaryPackage } from "./binary-package.ts";

const stanzaStart = "Package: ";

/**
 * A Packages index, read lazily: opening finds where the stanzas begin, and only those asked for are parsed.
 * Debian's main index has 63,000 stanzas in 50 MB, of which an image needs a few hundred.
 */
export class PackagesIndex {
  readonly #bytes: Buffer;
  /** The same bytes as characters, so that offsets agree and searching stays inside the JavaScript engine. */
  readonly #text: string;
  readonly #architecture: string;
  readonly #offsets: Map<string, number[]>;
  readonly #parsed = new Map<number, BinaryPackage>();
  #providers: Map<string, number[]> | undefined;

  /** @param bytes the whole decompressed index; must not change afterwards */
  constructor(bytes: Uint8Array, architecture: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#text = this.#bytes.toString("latin1");
    this.#architecture = architecture;
    this.#offsets = stanzaOffsets(this.#text);
  }

  /** Number of package names. */
  get size(): number {
    return this.#offsets.size;
  }

  /** Every version of a package, in the order of the index. @throws INDEX_INVALID */
  list(name: string): readonly BinaryPackage[] {
    return (this.#offsets.get(name) ?? []).map((offset) => this.#at(offset));
  }

  /** Packages whose `Provides` names `name`. @throws INDEX_INVALID */
  providers(name: string): readonly BinaryPackage[] {
    this.#providers ??= this.#findProviders();
    return (this.#providers.get(name) ?? [])
      .map((offset) => this.#at(offset))
      .filter((candidate) => candidate.provides.some((provided) => provided.name === name));
  }

  /** Packages that are essential or have priority `required`. @throws INDEX_INVALID */
  required(): readonly BinaryPackage[] {
    const offsets = new Set<number>();
    for (const line of ["\nEssential: yes\n", "\nPriority: required\n"])
      for (const at of occurrences(this.#text, line)) offsets.add(this.#stanzaOf(at));
    return [...offsets].sort((a, b) => a - b).map((offset) => this.#at(offset));
  }

  #at(offset: number): BinaryPackage {
    const known = this.#parsed.get(offset);
    if (known !== undefined) return known;
    const end = this.#text.indexOf("\n\n", offset);
    const stanza = this.#bytes.toString("utf8", offset, end < 0 ? this.#bytes.length : end);
    const parsed = parseBinaryPackage(stanza, this.#architecture);
    this.#parsed.set(offset, parsed);
    return parsed;
  }

  #stanzaOf(at: number): number {
    const before = this.#text.lastIndexOf("\n\n", at);
    return before < 0 ? 0 : before + 2;
  }

  #findProviders(): Map<string, number[]> {
    const providers = new Map<string, number[]>();
    const field = "\nProvides: ";
    for (const at of occurrences(this.#text, field)) {
      const start = at + field.length;
      const end = this.#text.indexOf("\n", start);
      const line = this.#text.slice(start, end < 0 ? undefined : end);
      const offset = this.#stanzaOf(at);
      for (const part of line.split(",")) {
        const [name = ""] = part.trim().split(/[\s(:]/, 1);
        append(providers, name, offset);
      }
    }
    return providers;
  }
}

function stanzaOffsets(text: string): Map<string, number[]> {
  const offsets = new Map<string, number[]>();
  let at = text.startsWith(stanzaStart) ? 0 : next(text, 0);
  while (at >= 0) {
    const end = text.indexOf("\n", at);
    append(offsets, text.slice(at + stanzaStart.length, end < 0 ? undefined : end), at);
    at = next(text, at);
  }
  return offsets;
}

function next(text: string, from: number): number {
  const blank = text.indexOf(`\n\n${stanzaStart}`, from);
  return blank < 0 ? -1 : blank + 2;
}

function* occurrences(text: string, wanted: string): Generator<number> {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) yield at;
}

function append(map: Map<string, number[]>, key: string, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
