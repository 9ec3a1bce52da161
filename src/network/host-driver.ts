import type { Attachment, AttachRequest } from "#runtime";
import { hostHosts, renderExtraHosts } from "./hosts-file.ts";
import { containerResolvConf, readHostResolvConf } from "./resolv-conf.ts";

/** The host's own network: its interfaces, its /etc/hosts and /etc/resolv.conf as they are. */
export function attachHost(request: AttachRequest, onWarning: (text: string) => void): Attachment {
  if ((request.ports ?? []).length > 0)
    onWarning("published ports are discarded when the network is the host's");
  return {
    namespacePath: undefined,
    hosts: hostHosts() + renderExtraHosts(request.extraHosts ?? [], "127.0.0.1"),
    resolvConf: request.dns === undefined ? readHostResolvConf() : containerResolvConf(request.dns),
    ports: [],
    held: { namespace: undefined, listeners: [], others: [] },
    handOver: () => {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
