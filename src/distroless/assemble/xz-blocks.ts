import { crc32 } from "node:zlib";

/** A part of an xz file that decodes by itself. */
export interface XzPart {
  /** A complete xz stream. */
  readonly bytes: Uint8Array;
  /** Length when decoded, as the index says. */
  readonly sizeBytes: number;
}

const headerBytes = 12;
const footerBytes = 12;
const headerMagic = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/**
 * Splits an xz stream at its blocks, each made a stream of its own, so that several processors can decode one package:
 * dpkg-deb writes a block for each 24 MiB. Undefined when the index is damaged or does not fit the stream, or when there
 * is more than one stream, which dpkg-deb never writes.
 * @see https://tukaani.org/xz/xz-file-format-1.2.1.txt
 */
export function splitXz(bytes: Uint8Array): readonly XzPart[] | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = readIndex(file);
  if (blocks === undefined) return undefined;
  const header = file.subarray(0, headerBytes);
  const parts: XzPart[] = [];
  let at = headerBytes;
  for (const { unpaddedBytes, sizeBytes } of blocks) {
    const end = at + align(unpaddedBytes);
    const index = formatIndex(unpaddedBytes, sizeBytes);
    const footer = formatFooter(index.length, header.subarray(6, 8));
    parts.push({ bytes: Buffer.concat([header, file.subarray(at, end), index, footer]), sizeBytes });
    at = end;
  }
  return parts;
}

interface Block {
  readonly unpaddedBytes: number;
  readonly sizeBytes: number;
}

/** The blocks that the index lists, when they fill the file exactly. */
function readIndex(file: Buffer): readonly Block[] | undefined {
  const footerAt = file.length - footerBytes;
  if (footerAt < headerBytes || !file.subarray(0, 6).equals(headerMagic)) return undefined;
  if (file.toString("latin1", footerAt + 10) !== "YZ") return undefined;
  const indexBytes = (file.readUInt32LE(footerAt + 4) + 1) * 4;
  const indexAt = footerAt - indexBytes;
  if (indexAt < headerBytes || file[indexAt] !== 0) return undefined;
  if (crc32(file.subarray(indexAt, footerAt - 4)) !== file.readUInt32LE(footerAt - 4)) return undefined;
  const numbers = new NumberReader(file, indexAt + 1);
  const count = numbers.read();
  const blocks: Block[] = [];
  let total = headerBytes;
  for (let i = 0; i < count && total <= indexAt; i += 1) {
    const block = { unpaddedBytes: numbers.read(), sizeBytes: numbers.read() };
    total += align(block.unpaddedBytes);
    blocks.push(block);
  }
  return total === indexAt && blocks.length === count && count > 0 ? blocks : undefined;
}

/** Variable-length integers: seven bits a byte, the low ones first. */
class NumberReader {
  readonly #file: Buffer;
  #at: number;

  constructor(file: Buffer, at: number) {
    this.#file = file;
    this.#at = at;
  }

  read(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#file[this.#at] ?? 0;
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80 || scale > 2 ** 42) return value;
    }
  }
}

function formatIndex(unpaddedBytes: number, sizeBytes: number): Buffer {
  const body = [0, 1, ...formatNumber(unpaddedBytes), ...formatNumber(sizeBytes)];
  while (body.length % 4 !== 0) body.push(0);
  const index = Buffer.alloc(body.length + 4);
  index.set(body);
  index.writeUInt32LE(crc32(index.subarray(0, body.length)), body.length);
  return index;
}

function formatNumber(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

function formatFooter(indexBytes: number, flags: Buffer): Buffer {
  const footer = Buffer.alloc(footerBytes);
  footer.writeUInt32LE(indexBytes / 4 - 1, 4);
  footer.set(flags, 8);
  footer.writeUInt32LE(crc32(footer.subarray(4, 10)), 0);
  footer.write("YZ", 10, "latin1");
  return footer;
}

function align(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 4) * 4;
}
