import { closeSync, openSync, readSync } from "node:fs";

/** Bytes of the kernel's, two digits each. Not `randomBytes`: Node's cryptography takes 4 ms to load. */
export function randomHex(length: number): string {
  const bytes = Buffer.alloc(length);
  const fd = openSync("/dev/urandom", "r");
  try {
    readSync(fd, bytes); // up to 256 bytes come whole
  } finally {
    closeSync(fd);
  }
  return bytes.toString("hex");
}
