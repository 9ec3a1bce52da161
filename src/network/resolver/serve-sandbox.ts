import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { framed, splitMessages } from "./forward.ts";

/** Answers one question; undefined answers nothing. */
export type Answerer = (question: Buffer, overTcp: boolean) => Promise<Buffer | undefined>;

const idleConnectionMs = 10_000;
const largestQuestionBytes = 4096;

/** Reads questions from the sockets of one container and writes the answers; disposing closes the sockets. */
export function serveSandbox(
  sockets: { readonly udp: number; readonly tcp: number },
  answer: Answerer,
): Disposable {
  // Who asks is told by address: there is nothing to look up.
  const udp = createSocket({ type: "udp4", lookup: (host, _, done) => done(null, host, 4) });
  udp.on("error", () => {});
  udp.on("message", (question, from) => {
    void answer(question, false).then(
      (reply) => {
        if (reply !== undefined) udp.send(reply, from.port, from.address, () => {});
      },
      () => {},
    );
  });
  udp.bind({ fd: sockets.udp });
  const connections = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    serveConnection(socket, answer);
  });
  tcp.on("error", () => {});
  tcp.listen({ fd: sockets.tcp });
  return {
    [Symbol.dispose]: () => {
      udp.close();
      tcp.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

function serveConnection(socket: Socket, answer: Answerer): void {
  let received: Buffer = Buffer.alloc(0);
  socket.setTimeout(idleConnectionMs, () => socket.destroy());
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    const { messages, rest } = splitMessages(Buffer.concat([received, chunk]));
    received = rest;
    if (received.length > largestQuestionBytes) socket.destroy();
    for (const message of messages) {
      void answer(message, true).then(
        (reply) => {
          if (reply !== undefined && socket.writable) socket.write(framed(reply));
        },
        () => {},
      );
    }
  });
}
