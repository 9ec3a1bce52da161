import type { Host } from "#host";
import type { Attachment, AttachRequest } from "#runtime";
import { renderHosts } from "./hosts-file.ts";
import { containerResolvConf } from "./resolv-conf.ts";

/** A network namespace of its own with nothing but loopback. Ports cannot be published and are ignored, as docker does. */
export function attachNone(host: Pick<Host, "namespaces">, request: AttachRequest): Attachment {
  const namespace = request.openNamespace?.() ?? host.namespaces.createNetwork();
  return {
    namespacePath: namespace.path,
    hosts: renderHosts({ extraHosts: request.extraHosts ?? [] }),
    resolvConf: containerResolvConf(request.dns),
    ports: [],
    held: { namespace: namespace.fd, listeners: [], others: [] },
    handOver: () => namespace[Symbol.dispose](),
    [Symbol.asyncDispose]: () => Promise.resolve(namespace[Symbol.dispose]()),
  };
}
