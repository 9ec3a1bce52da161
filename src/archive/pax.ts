import { LighterError } from "#base";
import { decodeName } from "./name.ts";

/** One record of a pax extended header. @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html */
export interface PaxRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Before this prefix's end stands the name of an extended attribute; the value is its bytes. */
export const xattrPrefix = "SCHILY.xattr.";

/**
 * Decodes `length key=value\n` records, in order (GNU's sparse 0.0 repeats keys).
 * @throws ARCHIVE_INVALID
 */
export function parsePax(bytes: Buffer): readonly PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const lengthText = space < 0 || space - at > 10 ? "" : bytes.toString("latin1", at, space);
    const end = /^[1-9]\d*$/.test(lengthText) ? at + Number(lengthText) : Number.NaN;
    const equals = bytes.indexOf(0x3d, space);
    // NUL bytes after the records are padding that some writers count.
    if (lengthText === "" && bytes.subarray(at).every((byte) => byte === 0)) break;
    if (!(end <= bytes.length) || equals < 0 || equals >= end || bytes[end - 1] !== 0x0a) throw malformed();
    records.push({
      key: decodeName(bytes.subarray(space + 1, equals)),
      value: bytes.subarray(equals + 1, end - 1),
    });
    at = end;
  }
  return records;
}

/** Encodes records in the order given. */
export function formatPax(records: readonly PaxRecord[]): Buffer {
  return Buffer.concat(records.map(formatRecord));
}

function formatRecord({ key, value }: PaxRecord): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  // The length counts its own digits.
  let length = body.length + String(body.length).length;
  if (String(length).length + body.length !== length) length = body.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

/** A decimal integer. @throws ARCHIVE_INVALID */
export function paxInteger(value: Uint8Array): number {
  const text = Buffer.from(value).toString("latin1");
  const number = Number(text);
  if (!/^-?\d{1,19}$/.test(text) || !Number.isSafeInteger(number)) throw malformed();
  return number;
}

/** `seconds[.fraction]`, cut to nanoseconds and rounded down, as times before 1970 need. @throws ARCHIVE_INVALID */
export function paxTime(value: Uint8Array): { readonly seconds: number; readonly nanoseconds: number } {
  const match = /^(-?)(\d{1,19})(?:\.(\d*))?$/.exec(Buffer.from(value).toString("latin1"));
  if (match === null) throw malformed();
  const [, sign, whole = "0", fraction = ""] = match;
  const seconds = Number(whole);
  if (!Number.isSafeInteger(seconds)) throw malformed();
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (sign === "") return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: -seconds, nanoseconds: 0 }
    : { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

/** The inverse of {@link paxTime}. */
export function formatPaxTime(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return String(seconds);
  const fraction = (value: number): string => String(value).padStart(9, "0").replace(/0+$/, "");
  if (seconds >= 0) return `${seconds}.${fraction(nanoseconds)}`;
  return `-${-seconds - 1}.${fraction(1_000_000_000 - nanoseconds)}`;
}

function malformed(): LighterError {
  return new LighterError(
    "ARCHIVE_INVALID",
    "cannot read archive: a pax record is malformed; it is damaged or no tar",
  );
}
