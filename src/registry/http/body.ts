import type { IncomingMessage } from "node:http";

/** The body of an answer that is small by its nature. @throws when it is longer, or the connection breaks */
export async function readBody(response: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of response) {
      length += (part as Buffer).length;
      if (length > limitBytes) throw new BodyTooLong(limitBytes);
      parts.push(part as Buffer);
    }
  } finally {
    if (!response.readableEnded) response.destroy();
  }
  return Buffer.concat(parts);
}

/** An answer longer than anything honest. */
export class BodyTooLong extends Error {
  constructor(limitBytes: number) {
    super(`the answer is longer than ${limitBytes} bytes`);
  }
}

/** Reads a body to its end, so that the connection can be used again; one that is long is cut instead. */
export async function drain(response: IncomingMessage): Promise<void> {
  try {
    await readBody(response, 1 << 16);
  } catch {
    response.destroy();
  }
}

/** One value of a header, however often it was sent. */
export function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
