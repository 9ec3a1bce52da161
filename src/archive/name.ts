/**
 * The text of a name. Bytes that are no UTF-8 become lone surrogates U+DC80 to U+DCFF (as Python's `surrogateescape`), and
 * {@link encodeName} turns them back: no name is ever lost or merged with another.
 */
export function decodeName(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString("utf8");
  if (!text.includes("\ufffd") || Buffer.from(text).equals(buffer)) return text;
  return decodeEscaped(buffer);
}

/** The bytes of a name that {@link decodeName} made. */
export function encodeName(name: string): Buffer {
  if (!hasEscapes(name)) return Buffer.from(name);
  const parts: Buffer[] = [];
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character));
  }
  return Buffer.concat(parts);
}

/** Whether a name holds bytes that are no UTF-8, so that file calls need {@link encodeName}'s bytes. */
export function hasEscapes(name: string): boolean {
  return /[\udc80-\udcff]/u.test(name);
}

/** Walks the bytes and keeps each well-formed sequence; a byte that begins none is escaped by itself. */
function decodeEscaped(bytes: Buffer): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      at += 1;
    } else {
      text += bytes.toString("utf8", at, at + length);
      at += length;
    }
  }
  return text;
}

/** Length of the well-formed UTF-8 sequence at `at`, or 0. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const length =
    first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const sequence = bytes.subarray(at, at + length);
  return Buffer.from(sequence.toString("utf8")).equals(sequence) ? length : 0;
}
