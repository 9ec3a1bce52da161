const LISTEN = "0A";

/** TCP ports of the calling thread's network namespace that a program listens on, but on loopback only. */
export function listeningPorts(read: (path: string) => string): readonly number[] {
  const lines = ["tcp", "tcp6"].flatMap((table) =>
    attempt(() => read(`/proc/thread-self/net/${table}`))
      .split("\n")
      .slice(1),
  );
  const ports = lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => state === LISTEN && !isLoopback(local))
    .map(([, local = ""]) => Number.parseInt(local.split(":")[1] ?? "", 16));
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** The kernel writes addresses in words of host byte order: 127.x ends with 7F. */
function isLoopback(local: string): boolean {
  const [address = ""] = local.split(":");
  return address.endsWith("7F") || address === "00000000000000000000000001000000";
}

// A kernel without IPv6 has no tcp6.
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
