import { createHash, X509Certificate } from "node:crypto";

/**
 * The number by which OpenSSL finds a certificate in a directory: eight hexadecimal digits made of its subject, undefined
 * for what is no certificate.
 * @see https://docs.openssl.org/3.0/man3/X509_NAME_hash/
 */
export function subjectHash(pem: Uint8Array): string | undefined {
  let der: Buffer;
  try {
    der = new X509Certificate(pem).raw;
  } catch {
    return undefined;
  }
  const canonical = Buffer.concat(subjectOf(der).map(canonicalSet));
  const digest = createHash("sha1").update(canonical).digest();
  return digest.readUInt32LE(0).toString(16).padStart(8, "0");
}

interface Value {
  readonly tag: number;
  readonly body: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

const utf8String = 0x0c;
const bmpString = 0x1e;
/** UTF8, Printable, Teletex, IA5, Visible, Universal and BMP strings: those that OpenSSL makes canonical. */
const stringTags: ReadonlySet<number> = new Set([utf8String, 0x13, 0x14, 0x16, 0x1a, 0x1c, bmpString]);
const explicitVersion = 0xa0;

/** The relative names of a certificate's subject. */
function subjectOf(der: Buffer): readonly Value[] {
  const [certificate] = readValues(der);
  const [signed] = certificate === undefined ? [] : readValues(certificate.body);
  const fields = signed === undefined ? [] : readValues(signed.body);
  // Version (when it is there), serial number, algorithm, issuer, validity, subject.
  const subject = fields[fields[0]?.tag === explicitVersion ? 5 : 4];
  return subject === undefined ? [] : readValues(subject.body);
}

function canonicalSet(set: Value): Buffer {
  const attributes = readValues(set.body).map((attribute) => {
    const [type, value] = readValues(attribute.body);
    if (type === undefined || value === undefined) return attribute.whole;
    return encode(attribute.tag, Buffer.concat([type.whole, canonicalValue(value)]));
  });
  return encode(set.tag, Buffer.concat(attributes.sort(Buffer.compare)));
}

function canonicalValue(value: Value): Buffer {
  if (!stringTags.has(value.tag)) return value.whole;
  const text = decodeString(value)
    .replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, "")
    .replace(/[ \t\n\v\f\r]+/g, " ")
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return encode(utf8String, Buffer.from(text, "utf8"));
}

function decodeString({ tag, body }: Value): string {
  if (tag === utf8String) return body.toString("utf8");
  if (tag === bmpString) return Buffer.from(body).swap16().toString("utf16le");
  return body.toString("latin1");
}

function readValues(bytes: Buffer): readonly Value[] {
  const values: Value[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const first = bytes[at + 1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
    const start = at + 2 + lengthBytes;
    values.push({
      tag: bytes[at] ?? 0,
      body: bytes.subarray(start, start + length),
      whole: bytes.subarray(at, start + length),
    });
    at = start + length;
  }
  return values;
}

function encode(tag: number, body: Buffer): Buffer {
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}
