// The monitor's protocol; monitor/monitor.h has the other half.

/** What a client sends. */
export const toMonitor = {
  input: 0,
  inputEnd: 1,
  resize: 2,
  signal: 3,
  subscribe: 4,
  start: 5,
  stop: 6,
  policy: 7,
  quit: 8,
} as const;

/** What the monitor sends. */
export const fromMonitor = { stdout: 1, stderr: 2, exited: 3, started: 4, failed: 5, ready: 6 } as const;

const headerBytes = 8;

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

/** One byte of type, three of zero, four of length, then the payload: docker's form of a multiplexed stream. */
export function encodeFrame(type: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + payload.length);
  frame.writeUInt32BE(type * 0x1000000, 0);
  frame.writeUInt32BE(payload.length, 4);
  frame.set(payload, headerBytes);
  return frame;
}

/** @returns what makes frames of chunks; what is whole by then comes with each chunk */
export function createFrameReader(): (chunk: Buffer) => readonly Frame[] {
  let parts: Buffer[] = [];
  let size = 0;
  let wanted = headerBytes;
  return (chunk) => {
    const frames: Frame[] = [];
    parts.push(chunk);
    size += chunk.length;
    if (size < wanted) return frames;
    let bytes = parts.length === 1 ? chunk : Buffer.concat(parts);
    for (;;) {
      wanted = headerBytes;
      if (bytes.length < wanted) break;
      wanted += bytes.readUInt32BE(4);
      if (bytes.length < wanted) break;
      frames.push({ type: bytes[0] ?? 0, payload: bytes.subarray(headerBytes, wanted) });
      bytes = bytes.subarray(wanted);
    }
    parts = bytes.length === 0 ? [] : [bytes];
    size = bytes.length;
    return frames;
  };
}
