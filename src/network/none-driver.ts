import type { Host } from "#host";
import type { NetworkDriver } from "./driver.ts";
import { renderHosts } from "./hosts-file.ts";
import { containerResolvConf } from "./resolv-conf.ts";

/** A network namespace of its own with nothing but loopback. Ports cannot be published and are ignored, as docker does. */
export function createNoneDriver(options: { readonly host: Pick<Host, "namespaces"> }): NetworkDriver {
  return {
    attach: (request) => {
      const namespace = options.host.namespaces.createNetwork();
      return Promise.resolve({
        namespacePath: namespace.path,
        hosts: renderHosts({ extraHosts: request.extraHosts ?? [] }),
        resolvConf: containerResolvConf(),
        ports: [],
        held: { namespace: namespace.fd, listeners: [], others: [] },
        handOver: () => namespace[Symbol.dispose](),
        [Symbol.asyncDispose]: () => Promise.resolve(namespace[Symbol.dispose]()),
      });
    },
  };
}
