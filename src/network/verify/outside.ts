import { randomBytes } from "node:crypto";
import type { Cleanup } from "#base";
import type { NetworkNamespace } from "#host";
import type { NetworkParts } from "../join-networks.ts";

/** A machine beyond this host, made for the time of a check: a namespace behind a link of its own. */
export interface Outside {
  readonly namespace: NetworkNamespace;
  /** Its address. */
  readonly address: string;
  /** The host's address on the link between. */
  readonly hostAddress: string;
}

/** Link-local, so that nothing else routes there; the last 16 bits are drawn until nobody has them. */
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
  return { namespace, address, hostAddress };
}

function drawNumbers(used: readonly string[]): readonly [number, number] {
  for (;;) {
    const [a = 1, b = 0] = randomBytes(2);
    const third = Math.min(254, Math.max(1, a));
    if (!used.some((address) => address.startsWith(`169.254.${third}.`))) return [third, b & 0xfc];
  }
}
