// A proxy before a registry that spoils the line as it is told: it cuts, delays, truncates, corrupts, repeats, throttles and
// answers in the registry's place.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** What happens to one request. */
export type Fault =
  /** The connection breaks after so many bytes of the answer. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** The connection breaks after so many bytes of what is sent. */
  | { readonly kind: "cut-upload"; readonly afterBytes: number }
  /** The answer ends early and says so properly. */
  | { readonly kind: "truncate"; readonly toBytes: number }
  | { readonly kind: "corrupt"; readonly atByte: number }
  | { readonly kind: "repeat" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "throttle"; readonly bytesPerSecond: number }
  | { readonly kind: "stall"; readonly afterBytes: number }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "header"; readonly name: string; readonly value: string };

export interface BadLine extends AsyncDisposable {
  readonly address: string;
  /** `GET /v2/…` of every request so far, with the range it asked for. */
  readonly requests: string[];
}

/** @param decide the fault of a request, by `METHOD path`; asked once each */
export async function startBadLine(
  port: number,
  decide: (request: string, count: number) => Fault | undefined,
): Promise<BadLine> {
  const requests: string[] = [];
  const counts = new Map<string, number>();
  const server = createServer((incoming, outgoing) => {
    const name = `${incoming.method} ${incoming.url}`;
    requests.push(incoming.headers.range === undefined ? name : `${name} ${incoming.headers.range}`);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    forward({ incoming, outgoing, port, fault: decide(name, counts.get(name) ?? 1) }).catch(() =>
      outgoing.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    requests,
    [Symbol.asyncDispose]: () => closed(server),
  };
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

interface Work {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly port: number;
  readonly fault: Fault | undefined;
}

async function forward({ incoming, outgoing, port, fault }: Work): Promise<void> {
  if (fault?.kind === "status") {
    incoming.resume();
    outgoing.writeHead(fault.status, fault.headers);
    outgoing.end();
    return;
  }
  if (fault?.kind === "delay") await delay(fault.ms);
  const answer = await sendOn(incoming, port, fault);
  const headers = { ...answer.headers };
  // The registry must not send the client past the proxy.
  const { location } = headers;
  if (location !== undefined) headers.location = location.replace(/^https?:\/\/[^/]+/, "");
  if (fault?.kind === "truncate") headers["content-length"] = String(fault.toBytes);
  if (fault?.kind === "header") headers[fault.name] = fault.value;
  outgoing.writeHead(answer.statusCode ?? 502, headers);
  let at = 0;
  for await (const part of answer) {
    let chunk = part as Buffer;
    if (fault?.kind === "corrupt" && fault.atByte >= at && fault.atByte < at + chunk.length) {
      chunk = Buffer.from(chunk);
      chunk[fault.atByte - at] = (chunk[fault.atByte - at] ?? 0) ^ 0x40;
    }
    if (fault?.kind === "repeat" && at > 0 && chunk.length > 0)
      chunk = Buffer.concat([chunk.subarray(0, 1), chunk.subarray(0, chunk.length - 1)]);
    if (fault?.kind === "throttle") await delay((chunk.length / fault.bytesPerSecond) * 1000);
    const limit =
      fault?.kind === "cut" || fault?.kind === "stall"
        ? fault.afterBytes
        : fault?.kind === "truncate"
          ? fault.toBytes
          : Number.POSITIVE_INFINITY;
    const room = Math.max(0, limit - at);
    at += chunk.length;
    if (chunk.length > room) {
      await written(outgoing, chunk.subarray(0, room));
      if (fault?.kind === "cut") return void outgoing.destroy();
      if (fault?.kind === "stall") return;
      break;
    }
    await written(outgoing, chunk);
  }
  if (fault?.kind === "cut") return void outgoing.destroy();
  outgoing.end();
}

function sendOn(incoming: IncomingMessage, port: number, fault: Fault | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const onward = request({
      host: "127.0.0.1",
      port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
      agent: false,
    });
    onward.once("response", resolve);
    onward.once("error", reject);
    let sent = 0;
    incoming.on("data", (chunk: Buffer) => {
      sent += chunk.length;
      if (fault?.kind === "cut-upload" && sent > fault.afterBytes) {
        onward.destroy();
        incoming.destroy();
        reject(new Error("cut"));
        return;
      }
      if (!onward.write(chunk)) {
        incoming.pause();
        onward.once("drain", () => incoming.resume());
      }
    });
    incoming.once("end", () => onward.end());
    incoming.once("error", () => onward.destroy());
  });
}

function written(outgoing: ServerResponse, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    outgoing.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}
