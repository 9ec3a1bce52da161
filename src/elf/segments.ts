/** An entry of the program header table. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

export const segmentKinds = { load: 1, dynamic: 2, interpreter: 3 } as const;

/** @throws RangeError when the table leads out of the file */
export function readSegments(file: Buffer): readonly Segment[] {
  const at = Number(file.readBigUInt64LE(32));
  const entryBytes = file.readUInt16LE(54);
  const count = file.readUInt16LE(56);
  return Array.from({ length: count }, (_, index) => {
    const header = at + index * entryBytes;
    return {
      type: file.readUInt32LE(header),
      offset: Number(file.readBigUInt64LE(header + 8)),
      address: Number(file.readBigUInt64LE(header + 16)),
      sizeBytes: Number(file.readBigUInt64LE(header + 32)),
    };
  });
}
