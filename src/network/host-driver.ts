import type { AttachRequest } from "#runtime";
import type { NetworkDriver } from "./driver.ts";
import { hostHosts, renderExtraHosts } from "./hosts-file.ts";
import { readHostResolvConf } from "./resolv-conf.ts";

/** The host's own network: its interfaces, its /etc/hosts and /etc/resolv.conf as they are. */
export function createHostDriver(options: { readonly onWarning: (text: string) => void }): NetworkDriver {
  return {
    attach: (request: AttachRequest) => {
      if ((request.ports ?? []).length > 0)
        options.onWarning("published ports are discarded when the network is the host's");
      return Promise.resolve({
        namespacePath: undefined,
        hosts: hostHosts() + renderExtraHosts(request.extraHosts ?? [], "127.0.0.1"),
        resolvConf: readHostResolvConf(),
        ports: [],
        held: { namespace: undefined, listeners: [], others: [] },
        handOver: () => {},
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  };
}
