import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type Packet,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import { canonicalAddress } from "../ipam.ts";
import type { NetworkState, Sandbox } from "../network-state.ts";
import { findAddress, findName, mayForward, reversedAddress } from "./name-table.ts";

/** Short, so that a client which caches finds a container that was made anew; docker says 600. */
const ttlSeconds = 5;
const plainUdpBytes = 512;
const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

/** A question as it came, and what it asks. */
export interface Query {
  readonly packet: Packet;
  /** Lower case, no final dot. */
  readonly name: string;
  readonly type: string;
  /** How much a UDP answer may have. */
  readonly udpBytes: number;
}

/** What to do with a query. */
export type Verdict =
  | { readonly kind: "answer"; readonly answers: readonly Answer[] }
  | { readonly kind: "forward" }
  | { readonly kind: "fail"; readonly rcode: number };

/** Undefined for what is no question at all. */
export function readQuery(bytes: Buffer): Query | undefined {
  try {
    const packet = decode(bytes);
    const [question] = packet.questions ?? [];
    if (packet.type !== "query" || question === undefined) return undefined;
    const opt = packet.additionals?.find((one) => one.type === "OPT");
    const udpBytes = opt?.type === "OPT" ? Math.max(plainUdpBytes, opt.udpPayloadSize) : plainUdpBytes;
    return { packet, name: question.name.toLowerCase().replace(/\.$/, ""), type: question.type, udpBytes };
  } catch {
    return undefined;
  }
}

/** Names of the asker's networks are answered here; the rest is for the host's servers, where the network leads out. */
export function judgeQuery(
  query: Query,
  where: { readonly state: NetworkState; readonly asker: Sandbox; readonly turn: number },
): Verdict {
  const { state, asker, turn } = where;
  const address = reversedAddress(query.name);
  if (address !== undefined && query.type === "PTR") {
    const name = findAddress(state, asker, canonical(address));
    if (name !== undefined) return { kind: "answer", answers: [record(query, { type: "PTR", data: name })] };
  }
  const named = findName(state, asker, query.name);
  if (named !== undefined) {
    if (query.type !== "A" && query.type !== "AAAA") return { kind: "answer", answers: [] };
    const addresses = rotated(query.type === "A" ? named.v4 : named.v6, turn);
    const { type } = query;
    return { kind: "answer", answers: addresses.map((data) => record(query, { type, data })) };
  }
  return mayForward(state, asker) ? { kind: "forward" } : { kind: "fail", rcode: RCODE.SERVFAIL };
}

/** An answer of our own. By UDP one that is too long says so, and the client asks again by TCP. */
export function encodeAnswer(query: Query, answers: readonly Answer[], overTcp: boolean): Buffer {
  const whole = encodeResponse(query, { answers, flags: AUTHORITATIVE_ANSWER });
  if (overTcp || whole.length <= query.udpBytes) return whole;
  return encodeResponse(query, { answers: [], flags: AUTHORITATIVE_ANSWER | TRUNCATED_RESPONSE });
}

export function encodeFailure(query: Query, rcode: number): Buffer {
  return encodeResponse(query, { answers: [], flags: rcode });
}

export const serverFailure = RCODE.SERVFAIL;
export const nameRefused = RCODE.REFUSED;

/** Addresses of an answer that came from a server, with the seconds they hold. */
export function addressesIn(bytes: Buffer): readonly { readonly address: string; readonly ttl: number }[] {
  try {
    return (decode(bytes).answers ?? []).flatMap((answer) =>
      answer.type === "A" || answer.type === "AAAA" ? [{ address: answer.data, ttl: answer.ttl ?? 0 }] : [],
    );
  } catch {
    return [];
  }
}

function encodeResponse(
  { packet }: Query,
  response: { readonly answers: readonly Answer[]; readonly flags: number },
): Buffer {
  const opt = packet.additionals?.find((one) => one.type === "OPT");
  const desired = (packet.flags ?? 0) & RECURSION_DESIRED;
  return encode({
    type: "response",
    id: packet.id ?? 0,
    flags: RECURSION_AVAILABLE | desired | response.flags,
    questions: [...(packet.questions ?? [])],
    answers: [...response.answers],
    // Who speaks EDNS is answered in it (RFC 6891, 6.1.1).
    additionals: opt === undefined ? [] : [{ ...opt, udpPayloadSize: 1232, options: [] }],
  });
}

function record(
  { packet }: Query,
  { type, data }: { readonly type: "A" | "AAAA" | "PTR"; readonly data: string },
): Answer {
  // The name as it was asked, because some clients compare letters (0x20).
  const name = packet.questions?.[0]?.name ?? "";
  return { name, type, ttl: ttlSeconds, class: "IN", data };
}

function rotated<T>(list: readonly T[], turn: number): readonly T[] {
  const at = list.length === 0 ? 0 : turn % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

function canonical(address: string): string {
  try {
    return canonicalAddress(address);
  } catch {
    return "";
  }
}
