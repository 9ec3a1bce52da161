import { LighterError } from "#base";

/** A member of an `ar` archive: where its bytes lie. */
export interface ArMember {
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

const magic = "!<arch>\n";
const headerSize = 60;

/**
 * Lists the members of an `ar` archive, such as a .deb, of `sizeBytes` bytes; `readAt` gives the bytes at an offset, so the
 * archive may stay on a disk.
 * @throws ARCHIVE_INVALID
 * @see https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html
 */
export function listArMembers(
  readAt: (offset: number, length: number) => Uint8Array,
  sizeBytes: number,
): readonly ArMember[] {
  if (textOf(readAt(0, Math.min(magic.length, sizeBytes))) !== magic)
    throw invalid("it does not begin as one");
  const members: ArMember[] = [];
  for (let at = magic.length; at < sizeBytes; ) {
    const member = parseMember(readAt(at, Math.min(headerSize, sizeBytes - at)), at + headerSize);
    if (member.offset + member.sizeBytes > sizeBytes) throw invalid(`the member "${member.name}" is cut off`);
    members.push(member);
    // Members begin at even offsets; a newline fills the gap.
    at = member.offset + member.sizeBytes + (member.sizeBytes % 2);
  }
  return members;
}

/** The members of an `ar` archive held in memory, with their bytes (views, not copies). @throws ARCHIVE_INVALID */
export function readAr(bytes: Uint8Array): readonly { readonly name: string; readonly data: Uint8Array }[] {
  const members = listArMembers((offset, length) => bytes.subarray(offset, offset + length), bytes.length);
  return members.map(({ name, offset, sizeBytes }) => ({
    name,
    data: bytes.subarray(offset, offset + sizeBytes),
  }));
}

function parseMember(header: Uint8Array, offset: number): ArMember {
  const text = textOf(header);
  const size = text.slice(48, 58).trimEnd();
  if (text.length !== headerSize || text.slice(58) !== "`\n" || !/^\d{1,10}$/.test(size))
    throw invalid("a member's header is malformed");
  return { name: text.slice(0, 16).trimEnd().replace(/\/$/, ""), offset, sizeBytes: Number(size) };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function invalid(why: string): LighterError {
  return new LighterError(
    "ARCHIVE_INVALID",
    `cannot read ar archive: ${why}; it is damaged or no ar archive`,
  );
}
