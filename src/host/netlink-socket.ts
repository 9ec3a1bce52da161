import { closeSync } from "node:fs";
import { LighterError } from "#base";
import {
  attributeText,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  messageFlag,
  messageType,
  type NetlinkMessage,
} from "./netlink.ts";
import type { Sys } from "./sys.ts";
import { type Attempt, systemError } from "./system-error.ts";

/** Protocols of AF_NETLINK. */
export const netlinkProtocol = { ROUTE: 0, NETFILTER: 12 } as const;

/** One request: message type, the family header with the attributes, and flags beside REQUEST. */
export interface NetlinkRequest {
  readonly type: number;
  readonly flags?: number;
  readonly parts: readonly Uint8Array[];
}

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 0x80003;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
const errorHeaderBytes = 20;
const EINTR = -4;
const ENOBUFS = -105;
const sendPrototype = "long send(int fd, const void *data, size_t size, int flags)";
const receiveBytes = 64 * 1024;

/**
 * A netlink socket of the network namespace it was opened in, synchronous: the kernel has answered when a call returns.
 */
export class NetlinkSocket implements Disposable {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #send;
  readonly #receive;
  readonly #buffer = Buffer.allocUnsafe(receiveBytes);
  #sequence = 0;

  constructor(sys: Sys, protocol: number) {
    this.#sys = sys;
    this.#send = sys.declare(sendPrototype);
    this.#receive = sys.declare("long recv(int fd, void *data, size_t size, int flags)");
    this.#fd = sys.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol);
    if (this.#fd < 0) throw systemError(this.#fd, { verb: "open", object: "netlink socket" });
    this.#enable(NETLINK_CAP_ACK);
    this.#enable(NETLINK_EXT_ACK);
    // Dumps then heed the index in their header (Linux 4.20); an older kernel sends more, which readers filter.
    this.#enable(NETLINK_GET_STRICT_CHK);
  }

  /** Sends a change and waits for the kernel's word. @throws the system error, with the kernel's own sentence when it gives one */
  change(request: NetlinkRequest, attempt: Attempt): void {
    this.#transmit(this.#encode(withFlags(request, messageFlag.ACK)), attempt);
    this.#awaitWord(attempt);
  }

  /** Sends a batch, in which one asks for the kernel's word by its flags, and waits for that. */
  changeBatch(requests: readonly NetlinkRequest[], attempt: Attempt): void {
    this.#transmit(Buffer.concat(requests.map((request) => this.#encode(request))), attempt);
    this.#awaitWord(attempt);
  }

  /**
   * The same on a thread of libuv's pool, for a change in which the kernel waits (removing a link takes it 15 to 50 ms,
   * spent in RCU grace periods). The socket acts in the namespace it was opened in, whichever thread sends.
   */
  async changeAside(request: NetlinkRequest, attempt: Attempt): Promise<void> {
    const message = this.#encode(withFlags(request, messageFlag.ACK));
    const send = this.#sys.native.load(null).func(sendPrototype);
    const sent = await new Promise<number>((resolve, reject) => {
      send.async(this.#fd, message, message.length, 0, (error: Error | null, result: number) => {
        if (error === null) resolve(result);
        else reject(error);
      });
    });
    // The thread's errno is gone by now; a netlink send fails only for want of memory.
    if (sent < 0) throw systemError(ENOBUFS, attempt);
    this.#awaitWord(attempt);
  }

  /** Asks for everything of a kind. */
  dump(request: NetlinkRequest, attempt: Attempt): NetlinkMessage[] {
    this.#transmit(this.#encode(withFlags(request, messageFlag.DUMP)), attempt);
    const found: NetlinkMessage[] = [];
    for (;;) {
      for (const message of this.#next(attempt)) {
        if (message.type === messageType.ERROR) throwFailure(message, attempt);
        if (message.type === messageType.DONE) return found;
        found.push(message);
      }
    }
  }

  /** Asks for one object. */
  get(request: NetlinkRequest, attempt: Attempt): NetlinkMessage | undefined {
    this.#transmit(this.#encode(request), attempt);
    const [message] = this.#next(attempt);
    if (message?.type === messageType.ERROR) throwFailure(message, attempt);
    return message;
  }

  get fd(): number {
    return this.#fd;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  /** On a thread of libuv's pool, for a socket with which the kernel waits for something. */
  closeAside(): void {
    this.#sys.native
      .load(null)
      .func("int close(int fd)")
      .async(this.#fd, () => {});
  }

  #enable(option: number): void {
    const set = this.#sys.declare(
      "int setsockopt(int fd, int level, int option, const void *value, uint32_t size)",
    );
    const on = Buffer.alloc(4);
    on.writeUInt32LE(1);
    set(this.#fd, SOL_NETLINK, option, on, on.length);
  }

  #encode(request: NetlinkRequest): Buffer {
    this.#sequence += 1;
    const flags = messageFlag.REQUEST | (request.flags ?? 0);
    return encodeMessage({ type: request.type, flags, sequence: this.#sequence }, request.parts);
  }

  #awaitWord(attempt: Attempt): void {
    for (;;) {
      const word = this.#next(attempt).find((message) => message.type === messageType.ERROR);
      if (word !== undefined) return throwFailure(word, attempt);
    }
  }

  #transmit(message: Buffer, attempt: Attempt): void {
    const sent = this.#send(this.#fd, message, message.length, 0);
    if (sent < 0) throw systemError(sent, attempt);
  }

  #next(attempt: Attempt): NetlinkMessage[] {
    for (;;) {
      const received = this.#receive(this.#fd, this.#buffer, this.#buffer.length, 0);
      if (received === EINTR) continue;
      if (received < 0) throw systemError(received, attempt);
      return decodeMessages(Buffer.from(this.#buffer.subarray(0, received)));
    }
  }
}

function withFlags(request: NetlinkRequest, flags: number): NetlinkRequest {
  return { ...request, flags: (request.flags ?? 0) | flags };
}

function throwFailure(message: NetlinkMessage, attempt: Attempt): void {
  const result = message.body.readInt32LE(0);
  if (result === 0) return;
  const words = (message.flags & NLM_F_ACK_TLVS) === 0 ? undefined : kernelWords(message.body);
  const error = systemError(result, attempt);
  if (words === undefined) throw error;
  throw new LighterError(error.code, `${error.message}: ${words}`, { details: error.details });
}

function kernelWords(body: Buffer): string | undefined {
  return attributeText(decodeAttributes(body.subarray(errorHeaderBytes)).get(NLMSGERR_ATTR_MSG));
}
