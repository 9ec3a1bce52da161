import { createHash } from "node:crypto";
import { loadNative, type NativeFunction } from "./native.ts";

const digestBytes = 32;
let known: NativeFunction | null | undefined;

/**
 * The SHA-256 of bytes in memory, in hexadecimal: by the OpenSSL that Node is made of, called directly, because
 * `node:crypto` takes longer to load (3 ms) than a short command has to hash.
 */
export function sha256(text: Uint8Array | string): string {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  known ??= openSsl();
  if (known === null) return createHash("sha256").update(bytes).digest("hex");
  const digest = Buffer.alloc(digestBytes);
  known(bytes, bytes.length, digest);
  return digest.toString("hex");
}

/** Null where Node does not export it, or koffi has no binary. */
function openSsl(): NativeFunction | null {
  try {
    return loadNative().load(null).func("void *SHA256(const void *bytes, size_t size, void *digest)");
  } catch {
    return null;
  }
}
