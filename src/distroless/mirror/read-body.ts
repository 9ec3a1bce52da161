import type { IncomingMessage } from "node:http";

/** The body of an answer, refused as soon as it grows over `limitBytes`. Throws when the connection breaks before its end. */
export async function readBody(response: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) throw new BodyTooLarge(limitBytes);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error("the mirror cut the connection");
  return Buffer.concat(chunks, sizeBytes);
}

/** More came than was promised. */
export class BodyTooLarge extends Error {
  constructor(limitBytes: number) {
    super(`the mirror sent more than ${limitBytes} bytes`);
  }
}
