import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { createHost } from "#host";
import { decompressed } from "./compression.ts";

const host = createHost();

async function* byteByByte(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (const byte of bytes) yield await Promise.resolve(Buffer.of(byte));
}

async function read(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of decompressed(host, bytes)) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts).toString();
}

for (const text of ["", "a", "abc", "some more than a mark"])
  test(`${text.length} bytes are read as what they are, in pieces of any length`, async () => {
    const plain = Buffer.from(text);
    assert.equal(await read(byteByByte(plain)), text);
    assert.equal(await read(byteByByte(gzipSync(plain))), text);
    assert.equal(await read(byteByByte(await host.codecs.zstdCompress(plain))), text);
  });
