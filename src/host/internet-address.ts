import { isIP } from "node:net";
import { LighterError } from "#base";
import { AF } from "./rtnetlink.ts";

/** An address as the kernel takes it. */
export interface InternetAddress {
  readonly family: number;
  readonly bytes: Buffer;
}

/** @throws ARGUMENT_INVALID */
export function encodeAddress(text: string): InternetAddress {
  const version = isIP(text);
  if (version === 4) return { family: AF.INET, bytes: Buffer.from(text.split(".").map(Number)) };
  if (version === 6 && !text.includes("%")) return { family: AF.INET6, bytes: encodeVersion6(text) };
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

function encodeVersion6(text: string): Buffer {
  const [head = "", tail] = expandDotted(text).split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => "0");
  const bytes = Buffer.alloc(16);
  [...front, ...zeros, ...back].forEach((group, at) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), at * 2);
  });
  return bytes;
}

function expandDotted(text: string): string {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted === null) return text;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(1).map(Number);
  return `${text.slice(0, dotted.index)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
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
