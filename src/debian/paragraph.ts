import { LighterError } from "#base";

/**
 * One paragraph of Debian's control format (deb822): fields in the order of the file, asked for by name without
 * regard to case. Continuation lines keep their line breaks and lose their first space.
 * @see https://manpages.debian.org/bookworm/dpkg-dev/deb822.5.en.html
 */
export class Paragraph {
  readonly #fields = new Map<string, { readonly name: string; readonly value: string }>();

  /** The value of a field, trimmed; undefined when it is absent. */
  find(name: string): string | undefined {
    return this.#fields.get(name.toLowerCase())?.value;
  }

  /** Adds or replaces a field. */
  set(name: string, value: string): void {
    this.#fields.set(name.toLowerCase(), { name, value });
  }

  has(name: string): boolean {
    return this.#fields.has(name.toLowerCase());
  }

  entries(): readonly (readonly [name: string, value: string])[] {
    return [...this.#fields.values()].map(({ name, value }) => [name, value] as const);
  }
}

/**
 * Reads one paragraph.
 * @throws INDEX_INVALID with the line that is neither a field nor a continuation, or a field that stands twice
 */
export function parseParagraph(text: string): Paragraph {
  const paragraph = new Paragraph();
  let name: string | undefined;
  let value: string[] = [];
  const close = () => {
    if (name !== undefined) paragraph.set(name, value.join("\n").trim());
  };
  for (const line of text.split("\n")) {
    if (line.startsWith("#") || line.trim() === "") continue;
    if (line.startsWith(" ") || line.startsWith("\t")) {
      if (name === undefined) throw malformed(line);
      value.push(line.slice(1).trimEnd());
      continue;
    }
    close();
    const colon = line.indexOf(":");
    if (colon <= 0 || /[\s]/.test(line.slice(0, colon))) throw malformed(line);
    name = line.slice(0, colon);
    if (paragraph.has(name))
      throw new LighterError("INDEX_INVALID", `cannot read control paragraph: field "${name}" stands twice`);
    value = [line.slice(colon + 1).trim()];
  }
  close();
  return paragraph;
}

/** Reads paragraphs separated by empty lines. @throws INDEX_INVALID */
export function parseParagraphs(text: string): readonly Paragraph[] {
  return text
    .split(/\n(?:[ \t]*\n)+/)
    .filter((part) => part.trim() !== "")
    .map(parseParagraph);
}

/** Writes a paragraph as dpkg does, ended by a line feed; empty lines inside a value become ` .`. */
export function formatParagraph(paragraph: Paragraph): string {
  return paragraph
    .entries()
    .map(([name, value]) => {
      const [first = "", ...rest] = value.split("\n");
      const head = first === "" ? `${name}:\n` : `${name}: ${first}\n`;
      return head + rest.map((line) => ` ${line === "" ? "." : line}\n`).join("");
    })
    .join("");
}

function malformed(line: string): LighterError {
  const shown = line.length > 60 ? `${line.slice(0, 60)}…` : line;
  return new LighterError(
    "INDEX_INVALID",
    `cannot read control paragraph: ${JSON.stringify(shown)} is no "Name: value" line`,
  );
}
