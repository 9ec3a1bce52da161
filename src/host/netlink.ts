/**
 * Netlink messages: a header, a family header and attributes, all in host byte order (every machine that Node's
 * prebuilt binaries of koffi serve is little endian).
 * @see https://docs.kernel.org/userspace-api/netlink/intro.html
 */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** Types that every netlink family has. */
export const messageType = { ERROR: 2, DONE: 3 } as const;

export const messageFlag = {
  REQUEST: 0x1,
  ACK: 0x4,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  DUMP: 0x300,
} as const;

const headerBytes = 16;
const nestedFlag = 0x8000;
const typeMask = 0x3fff;

/** Encodes one message. `parts` are the family header and the attributes. */
export function encodeMessage(
  header: { readonly type: number; readonly flags: number; readonly sequence: number },
  parts: readonly Uint8Array[],
): Buffer {
  const body = Buffer.concat(parts);
  const message = Buffer.alloc(headerBytes + body.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(header.type, 4);
  message.writeUInt16LE(header.flags, 6);
  message.writeUInt32LE(header.sequence, 8);
  body.copy(message, headerBytes);
  return message;
}

/** Takes apart what one receive brought. */
export function decodeMessages(datagram: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset + headerBytes <= datagram.length) {
    const length = datagram.readUInt32LE(offset);
    if (length < headerBytes || offset + length > datagram.length) break;
    messages.push({
      type: datagram.readUInt16LE(offset + 4),
      flags: datagram.readUInt16LE(offset + 6),
      body: datagram.subarray(offset + headerBytes, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

/** One attribute, padded. */
export function attribute(type: number, payload: Uint8Array): Buffer {
  const encoded = Buffer.alloc(align(4 + payload.length));
  encoded.writeUInt16LE(4 + payload.length, 0);
  encoded.writeUInt16LE(type, 2);
  encoded.set(payload, 4);
  return encoded;
}

export function textAttribute(type: number, text: string): Buffer {
  return attribute(type, Buffer.from(`${text}\0`));
}

export function numberAttribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value);
  return attribute(type, payload);
}

export function nestedAttribute(type: number, parts: readonly Uint8Array[]): Buffer {
  return attribute(type | nestedFlag, Buffer.concat(parts));
}

/** Attributes by type; of a repeated one the last. */
export function decodeAttributes(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(offset);
    if (length < 4 || offset + length > bytes.length) break;
    attributes.set(bytes.readUInt16LE(offset + 2) & typeMask, bytes.subarray(offset + 4, offset + length));
    offset += align(length);
  }
  return attributes;
}

/** A text attribute without its final NUL. */
export function attributeText(payload: Buffer | undefined): string | undefined {
  return payload?.toString("utf8").replace(/\0.*$/s, "");
}

function align(length: number): number {
  return (length + 3) & ~3;
}
