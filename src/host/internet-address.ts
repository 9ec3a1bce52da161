import { LighterError } from "#base";
import { AF } from "./rtnetlink.ts";

/** An address as the kernel takes it. */
export interface InternetAddress {
  readonly family: number;
  readonly bytes: Buffer;
}

const byte = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
// Not `isIP`: it loads Node's sockets, and its pattern for version 6 takes 3 ms to compile.
const version4 = new RegExp(`^${byte}(?:\\.${byte}){3}$`);
const group = /^[\da-f]{1,4}$/i;

/** @throws ARGUMENT_INVALID */
export function encodeAddress(text: string): InternetAddress {
  if (version4.test(text)) return { family: AF.INET, bytes: Buffer.from(text.split(".").map(Number)) };
  const bytes = text.includes(":") ? encodeVersion6(text) : undefined;
  if (bytes !== undefined) return { family: AF.INET6, bytes };
  throw new LighterError("ARGUMENT_INVALID", `cannot use "${text}": it is no IP address`);
}

/** An address and a prefix length (`172.17.0.1/16`). @throws ARGUMENT_INVALID */
export function encodeCidr(text: string): InternetAddress & { readonly prefix: number } {
  const [address = "", prefixText = ""] = text.split("/", 2);
  const encoded = encodeAddress(address);
  const prefix = Number(prefixText);
  if (/^\d{1,3}$/.test(prefixText) && prefix <= encoded.bytes.length * 8) return { ...encoded, prefix };
  throw new LighterError("ARGUMENT_INVALID", `cannot use "${text}": it has no valid prefix length`);
}

/** The text of an address; version 6 in full groups, shortened as RFC 5952 asks. */
export function decodeAddress(bytes: Buffer): string {
  return bytes.length === 4 ? [...bytes].join(".") : decodeVersion6(bytes);
}

/** The last address of an IPv4 network. */
export function broadcastAddress(address: InternetAddress & { readonly prefix: number }): Buffer {
  const host = address.prefix >= 32 ? 0 : 0xffffffff >>> address.prefix;
  const broadcast = Buffer.alloc(4);
  broadcast.writeUInt32BE((address.bytes.readUInt32BE(0) | host) >>> 0);
  return broadcast;
}

/** Undefined when it is none. A zone (`fe80::1%eth0`) is no part of an address. */
function encodeVersion6(text: string): Buffer | undefined {
  const halves = expandDotted(text)
    ?.split("::")
    .map((half) => (half === "" ? [] : half.split(":")));
  if (halves === undefined || halves.length > 2) return undefined;
  const [front = [], back = []] = halves;
  const missing = 8 - front.length - back.length;
  // "::" stands for one group at least.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...front, ...Array.from({ length: missing }, () => "0"), ...back];
  if (!groups.every((one) => group.test(one))) return undefined;
  const bytes = Buffer.alloc(16);
  groups.forEach((one, at) => {
    bytes.writeUInt16BE(Number.parseInt(one, 16), at * 2);
  });
  return bytes;
}

/** The last two groups may be written as an address of version 4. */
function expandDotted(text: string): string | undefined {
  if (!text.includes(".")) return text;
  const start = text.lastIndexOf(":") + 1;
  const dotted = text.slice(start);
  if (!version4.test(dotted)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
  return `${text.slice(0, start)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function decodeVersion6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return groups.join(":");
  return `${groups.slice(0, zeros.start).join(":")}::${groups.slice(zeros.start + zeros.length).join(":")}`;
}

function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start += 1) {
    let end = start;
    while (groups[end] === "0") end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}
