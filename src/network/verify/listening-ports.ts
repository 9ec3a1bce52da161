/** Ports that programs of a network namespace wait at, but for those on loopback only. */
export interface ListeningPorts {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}

/** `TCP_LISTEN`, and `TCP_CLOSE`, which is what an unconnected UDP socket says. */
const waiting = { tcp: "0A", udp: "07" } as const;

/** Of the calling thread's network namespace. */
export function listeningPorts(read: (path: string) => string): ListeningPorts {
  return { tcp: portsOf("tcp", read), udp: portsOf("udp", read) };
}

function portsOf(protocol: "tcp" | "udp", read: (path: string) => string): readonly number[] {
  const lines = [protocol, `${protocol}6`].flatMap((table) =>
    attempt(() => read(`/proc/thread-self/net/${table}`))
      .split("\n")
      .slice(1),
  );
  const ports = lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => state === waiting[protocol] && !isLoopback(local))
    .map(([, local = ""]) => Number.parseInt(local.split(":")[1] ?? "", 16));
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** The kernel writes addresses in words of host byte order: 127.x ends with 7F. */
function isLoopback(local: string): boolean {
  const [address = ""] = local.split(":");
  return (address.length === 8 && address.endsWith("7F")) || address === "00000000000000000000000001000000";
}

// A kernel without IPv6 has no tcp6.
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
