import { randomBytes } from "node:crypto";
import type { Cleanup } from "#base";
import type { NetworkNamespace } from "#host";
import type { NetworkParts } from "../join-networks.ts";

/** A machine beyond this host, made for the time of a check: a namespace behind a link of its own. */
export interface Outside {
  readonly namespace: NetworkNamespace;
  /** Its addresses, by version. */
  readonly addresses: Readonly<Record<4 | 6, string>>;
  /** The host's addresses on the link between. */
  readonly hostAddresses: Readonly<Record<4 | 6, string>>;
}

/** Link-local and unique-local, so that nothing else routes there; numbers are drawn until nobody has them. */
export function makeOutside({ host }: NetworkParts, undo: Cleanup): Outside {
  const { links } = host;
  const used = links.list().flatMap(({ addresses }) => addresses);
  const [third, fourth] = drawNumbers(used);
  const prefix = `169.254.${third}`;
  const [hostAddress, address] = [`${prefix}.${fourth + 1}`, `${prefix}.${fourth + 2}`];
  const name = `lvp${randomBytes(4).toString("hex")}`;
  const namespace = undo.use(host.namespaces.createNetwork());
  links.createVeth({ name, peer: "eth0", peerNamespace: namespace });
  undo.defer(() => links.remove(name));
  links.addAddress(name, `${hostAddress}/30`);
  links.addAddress("eth0", `${address}/30`, namespace);
  links.setUp("eth0", namespace);
  links.addRoute({ gateway: hostAddress }, namespace);
  const prefix6 = `fd${randomBytes(5)
    .toString("hex")
    .replace(/^(..)(....)(....)$/, "$1:$2:$3")}:1`;
  const [hostAddress6, address6] = [`${prefix6}::1`, `${prefix6}::2`];
  if (hasVersion6(links, name)) {
    links.addAddress(name, `${hostAddress6}/64`);
    links.addAddress("eth0", `${address6}/64`, namespace);
    links.addRoute({ gateway: hostAddress6 }, namespace);
  }
  return {
    namespace,
    addresses: { 4: address, 6: address6 },
    hostAddresses: { 4: hostAddress, 6: hostAddress6 },
  };
}

/** A kernel without IPv6 has no such setting, and no container with an IPv6 address. */
function hasVersion6(links: NetworkParts["host"]["links"], name: string): boolean {
  try {
    links.setSetting(`net/ipv6/conf/${name}/disable_ipv6`, "0");
    return true;
  } catch {
    return false;
  }
}

function drawNumbers(used: readonly string[]): readonly [number, number] {
  for (;;) {
    const [a = 1, b = 0] = randomBytes(2);
    const third = Math.min(254, Math.max(1, a));
    if (!used.some((address) => address.startsWith(`169.254.${third}.`))) return [third, b & 0xfc];
  }
}
