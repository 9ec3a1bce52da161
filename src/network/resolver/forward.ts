import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";

/** Docker's: how long one server may take. */
const serverTimeoutMs = 4000;
const port = 53;

/** Asks the servers in turn, as the question came: a UDP question by UDP, one by TCP by TCP. Undefined when none answers. */
export async function forwardQuery(
  bytes: Buffer,
  options: { readonly servers: readonly string[]; readonly overTcp: boolean; readonly timeoutMs?: number },
): Promise<Buffer | undefined> {
  const timeoutMs = options.timeoutMs ?? serverTimeoutMs;
  for (const server of options.servers) {
    const answer = await (options.overTcp ? askTcp : askUdp)(bytes, server, timeoutMs);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function askUdp(bytes: Buffer, server: string, timeoutMs: number): Promise<Buffer | undefined> {
  const socket = createSocket(isIP(server.split("%")[0] ?? "") === 6 ? "udp6" : "udp4");
  return new Promise((resolve) => {
    const finish = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    socket.on("error", () => finish(undefined));
    // A connected socket hears only the server, and at once when nobody listens there.
    socket.on("message", (answer) => {
      if (answer.length >= 12 && answer.readUInt16BE(0) === bytes.readUInt16BE(0)) finish(answer);
    });
    socket.connect(port, server, () => socket.send(bytes, () => {}));
  });
}

function askTcp(bytes: Buffer, server: string, timeoutMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: server, port });
    let received = Buffer.alloc(0);
    const finish = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    socket.on("error", () => finish(undefined));
    socket.on("end", () => finish(undefined));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const [message] = splitMessages(received).messages;
      if (message !== undefined) finish(message);
    });
    socket.write(framed(bytes));
  });
}

/** DNS over TCP puts the length before each message (RFC 1035, 4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

export function splitMessages(received: Buffer): {
  readonly messages: readonly Buffer[];
  readonly rest: Buffer;
} {
  const messages: Buffer[] = [];
  let offset = 0;
  while (received.length - offset >= 2) {
    const end = offset + 2 + received.readUInt16BE(offset);
    if (end > received.length) break;
    messages.push(received.subarray(offset + 2, end));
    offset = end;
  }
  return { messages, rest: received.subarray(offset) };
}
