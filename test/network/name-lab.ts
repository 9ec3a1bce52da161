import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { type Answer, decode, encode } from "dns-packet";
import { createHost } from "#host";
import { createNetworks, findResolver, type Networks } from "#network";
import type { Attachment } from "#runtime";
import type { Lab } from "./lab.ts";

const [, self = "", role, root = ""] = process.argv;

// A test that imports this file is the program that sweeps too, before it is a test.
if (role === "sweep") {
  await createNetworks({ root, host: createHost() }).sweep();
  process.exit(0);
}

/** Networks whose names are answered; `before` are words before the resolver's program. */
export function named(lab: Lab, before: readonly string[] = []): Networks {
  return lab.networks("store", {
    resolver: {
      program: () => [...before, findResolver()],
      sweep: [process.execPath, self, "sweep", lab.made("store")],
    },
  });
}

/** Resolvers of the store that run. */
export function resolvers(lab: Lab): readonly number[] {
  return createHost().processes.listWithArgument(lab.made("store")).filter(isAlive);
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false; // it has ended
  }
}

export function reverse(address: string): string {
  return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
}

/** Addresses or names of the answer, else what it says instead. */
export async function ask(
  lab: Lab,
  from: Attachment,
  question: {
    readonly name: string;
    readonly type: "A" | "AAAA" | "PTR";
    readonly overTcp?: boolean;
    readonly patienceMs?: number;
  },
): Promise<readonly string[] | string> {
  const { name, type, overTcp = false, patienceMs = 60_000 } = question;
  const packet = encode({
    type: "query",
    id: 7,
    flags: 256,
    questions: [{ name, type }],
    additionals: [{ type: "OPT", name: ".", udpPayloadSize: 1232, flags: 0, options: [] } as never],
  });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  const answer = await lab.exchange(
    from,
    { address: "127.0.0.11", port: 53, overTcp, patienceMs },
    overTcp ? Buffer.concat([length, packet]) : packet,
  );
  if (answer === undefined) return "no answer";
  const decoded = decode(overTcp ? answer.subarray(2) : answer);
  // @types/dns-packet does not know it.
  const rcode: unknown = Reflect.get(decoded, "rcode");
  if (rcode !== "NOERROR") return String(rcode);
  return (decoded.answers ?? []).flatMap((one) => (one.type === type ? [String(one.data)] : []));
}

/** A name server on the neighbour, by UDP and TCP; says NXDOMAIN when told to. `onQuestion` sees what came, byte by byte. */
export function upstream(
  lab: Lab,
  answer: (name: string) => Answer[] | "NXDOMAIN",
  onQuestion: (question: Buffer) => void = () => {},
): Disposable {
  const reply = (question: Buffer): Buffer => {
    onQuestion(question);
    const query = decode(question);
    const found = answer(query.questions?.[0]?.name ?? "");
    const flags = found === "NXDOMAIN" ? 3 : 0;
    return encode({
      type: "response",
      id: query.id ?? 0,
      flags,
      questions: query.questions ?? [],
      answers: found === "NXDOMAIN" ? [] : found,
    });
  };
  const host = createHost();
  const udp = createSocket("udp4", (question, from) => udp.send(reply(question), from.port, from.address));
  udp.bind({
    fd: host.sockets.bind({ namespace: lab.neighbour, protocol: "udp", address: "0.0.0.0", port: 53 }).fd,
  });
  const tcp = lab.listen(lab.neighbour, 53, (socket) => {
    socket.on("data", (data: Buffer) => {
      const message = reply(data.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(message.length);
      socket.end(Buffer.concat([length, message]));
    });
  });
  return {
    [Symbol.dispose]: () => {
      udp.close();
      tcp[Symbol.dispose]();
    },
  };
}
