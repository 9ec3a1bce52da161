import { closeSync, fstatSync } from "node:fs";
import type { Host, NetworkNamespace } from "#host";
import type { HeldSocket } from "../network-state.ts";

/** Where docker's resolver answers too. */
export const resolverAddress = "127.0.0.11";

/** Two bound sockets that wait in a container's namespace until the resolver takes them over; disposing closes this hold. */
export interface OpenResolverSockets extends Disposable {
  readonly descriptors: { readonly udp: HeldSocket; readonly tcp: HeldSocket };
}

/**
 * Sockets at a free port of 127.0.0.11: a program in the container may have port 53 for itself. Nothing reaches them until
 * {@link translateQuestions}; then questions wait in them until the resolver reads.
 */
export function openResolverSockets(
  host: Pick<Host, "sockets">,
  namespace: NetworkNamespace,
): OpenResolverSockets {
  const opened: number[] = [];
  const close = (): void => {
    for (const fd of opened.splice(0)) closeSync(fd);
  };
  try {
    const [udp, tcp] = (["udp", "tcp"] as const).map((protocol) => {
      const socket = host.sockets.bind({ namespace, protocol, address: resolverAddress, port: 0 });
      opened.push(socket.fd);
      return socket;
    });
    if (udp === undefined || tcp === undefined) throw new Error("two protocols give two sockets");
    return { descriptors: { udp: held(udp), tcp: held(tcp) }, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

function held({ fd, port }: { readonly fd: number; readonly port: number }): HeldSocket {
  return { fd, inode: fstatSync(fd).ino, port };
}

/** Leads port 53 of 127.0.0.11 to the sockets, inside the namespace, as docker does it. */
export function translateQuestions(
  host: Pick<Host, "firewall">,
  namespace: NetworkNamespace,
  { udp, tcp }: OpenResolverSockets["descriptors"],
): void {
  const script = `add table ip lighter_dns
delete table ip lighter_dns
table ip lighter_dns {
chain output {
type nat hook output priority -100; policy accept;
ip daddr ${resolverAddress} udp dport 53 dnat to ${resolverAddress}:${udp.port}
ip daddr ${resolverAddress} tcp dport 53 dnat to ${resolverAddress}:${tcp.port}
}
}
`;
  host.firewall.apply(script, namespace);
}
