import { createHash } from "node:crypto";

/** A certificate to be trusted, and its name in the store. */
export interface TrustedCertificate {
  readonly alias: string;
  /** DER. */
  readonly bytes: Uint8Array;
}

const magic = 0xfeedfeed;
const formatVersion = 2;
const trustedCertificate = 2;
/** The password that every Java uses for its list of authorities: it guards against accidents only. */
const password = "changeit";

/**
 * Java's list of authorities. Without it Java starts, trusts nobody and says so only when a connection fails.
 * @see https://github.com/openjdk/jdk/blob/master/src/java.base/share/classes/sun/security/provider/JavaKeyStore.java
 */
export function formatJavaKeystore(
  certificates: readonly TrustedCertificate[],
  epochSeconds: number,
): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32BE(magic, 0);
  head.writeUInt32BE(formatVersion, 4);
  head.writeUInt32BE(certificates.length, 8);
  const sorted = [...certificates].sort((a, b) => (a.alias < b.alias ? -1 : 1));
  const body = Buffer.concat([head, ...sorted.map((each) => formatEntry(each, epochSeconds))]);
  const digest = createHash("sha1")
    .update(Buffer.from(password, "utf16le").swap16())
    .update("Mighty Aphrodite")
    .update(body)
    .digest();
  return Buffer.concat([body, digest]);
}

function formatEntry({ alias, bytes }: TrustedCertificate, epochSeconds: number): Buffer {
  const fixed = Buffer.alloc(4);
  fixed.writeUInt32BE(trustedCertificate);
  const date = Buffer.alloc(8);
  date.writeBigUInt64BE(BigInt(epochSeconds) * 1000n);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([fixed, formatText(alias), date, formatText("X.509"), size, bytes]);
}

function formatText(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const size = Buffer.alloc(2);
  size.writeUInt16BE(bytes.length);
  return Buffer.concat([size, bytes]);
}
