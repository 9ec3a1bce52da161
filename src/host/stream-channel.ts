import type { Duplex } from "node:stream";
import type { Channel } from "./host.ts";

/** A stream of Node's as a channel. */
export function streamChannel(stream: Duplex): Channel {
  stream.on("error", () => {}); // the other side may go at any time; the end of what comes tells
  return {
    async read(onChunk) {
      for await (const chunk of stream as AsyncIterable<Buffer>) await onChunk(chunk);
    },
    write: (bytes) => stream.write(bytes),
    flushed: () => new Promise((resolve) => stream.write(Buffer.alloc(0), () => resolve())),
    [Symbol.dispose]: () => void stream.destroy(),
  };
}
