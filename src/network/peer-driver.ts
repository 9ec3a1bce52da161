import { LighterError } from "#base";
import type { Host } from "#host";
import type { Attachment, AttachRequest } from "#runtime";

/** The network of another container: its interfaces, names and files. */
export function attachPeer(host: Pick<Host, "namespaces">, request: AttachRequest): Attachment {
  const { peer, network } = request;
  if (peer === undefined)
    throw new LighterError(
      "NETWORK_INVALID",
      `cannot join network "${network}": cannot join network of a non running container`,
    );
  const refused = [
    [request.ports?.length, "publishing ports"],
    [request.extraHosts?.length, "custom host-to-IP mapping"],
    [request.dns, "DNS configuration"],
    [request.otherNetworks?.length, "further networks"],
    [request.egress, "an egress policy"],
  ] as const;
  const conflict = refused.find(([value]) => value !== undefined && value !== 0)?.[1];
  if (conflict !== undefined)
    throw new LighterError(
      "NETWORK_INVALID",
      `cannot join network "${network}": conflicting options: ${conflict} and the container type network mode`,
    );
  const namespace = host.namespaces.openNetwork(peer.pid);
  return {
    namespacePath: namespace.path,
    hosts: peer.hosts,
    resolvConf: peer.resolvConf,
    ports: [],
    held: { namespace: namespace.fd, listeners: [], others: [] },
    handOver: () => namespace[Symbol.dispose](),
    [Symbol.asyncDispose]: () => Promise.resolve(namespace[Symbol.dispose]()),
  };
}
