import { LighterError } from "#base";
import type { ArchiveKey } from "../keys/debian-archive.ts";

/** What a signature check needs. */
export interface SignatureCheck {
  /** For error texts: the address of the file. */
  readonly place: string;
  readonly keys: readonly ArchiveKey[];
  /** Signatures made later than this, and keys that have expired by then, do not count. */
  readonly now: Date;
}

const clearSigned =
  /^-----BEGIN PGP SIGNED MESSAGE-----\r?\n[^]*\n-----BEGIN PGP SIGNATURE-----\r?\n[^]*\n-----END PGP SIGNATURE-----\s*$/;

/**
 * Checks a clear-signed file and returns the text that was signed: nothing before, between or after it. One good
 * signature by a known key is enough, since archives sign with the keys of two releases while they change them.
 * @throws SIGNATURE_INVALID
 */
export async function verifyClearSigned(text: string, check: SignatureCheck): Promise<string> {
  // The library would pass over text around the message; an archive has none, so it is somebody's trick.
  if (!clearSigned.test(text))
    throw invalid(check, "it is not clear-signed, or holds more than what was signed");
  // Loaded here: the library costs 50 ms, and a command that assembles nothing must not pay it.
  const { readCleartextMessage, readKey, verify } = await import("openpgp");
  const message = await readCleartextMessage({ cleartextMessage: text }).catch((cause: unknown) => {
    throw invalid(check, "it is not a clear-signed message", cause);
  });
  const verificationKeys = await Promise.all(
    check.keys.map(({ base64 }) => readKey({ binaryKey: Buffer.from(base64, "base64") })),
  );
  const result = await verify({ message, verificationKeys, date: check.now });
  const failures: Error[] = [];
  for (const signature of result.signatures) {
    try {
      await signature.verified;
      return result.data;
    } catch (error) {
      failures.push(error as Error);
    }
  }
  throw invalid(check, reason(failures), failures[0]);
}

function reason(failures: readonly Error[]): string {
  if (failures.length === 0) return "it bears no signature";
  const telling = failures.find(({ message }) => !message.startsWith("Could not find signing key"));
  if (telling === undefined) return "none of its signatures is by a key that lighter knows";
  return `its signature does not hold (${telling.message.charAt(0).toLowerCase()}${telling.message.slice(1)})`;
}

function invalid({ place }: SignatureCheck, why: string, cause?: unknown): LighterError {
  return new LighterError(
    "SIGNATURE_INVALID",
    `cannot trust "${place}": ${why}; use another mirror, or one whose archive is signed by Debian`,
    { cause, details: { place } },
  );
}
