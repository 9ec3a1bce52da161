import { ownerOf } from "./find-network.ts";
import type { NetworkParts } from "./join-networks.ts";
import { labelOf } from "./network-state.ts";
import { listElements } from "./set-elements.ts";

/** Something that an egress policy refused within the last day. */
export interface RefusedFlow {
  /** The container that has the address now; the address itself when none has. */
  readonly container: string;
  readonly address: string;
  /** An address, for packets; a name, for questions to the resolver. */
  readonly destination: string;
  readonly protocol: string;
  /** 0 where the protocol has none. */
  readonly port: number;
  readonly count: number;
  /** RFC 3339. */
  readonly lastSeen: string;
}

const rememberedSeconds = 86_400;
const protocolsWithPorts = ["tcp", "udp", "sctp", "udplite", "dccp"];

/** What the kernel counted, the latest first. */
export function listRefused({ host, ledger, root }: NetworkParts): readonly RefusedFlow[] {
  const { table } = ownerOf(root);
  if (!host.firewall.hasTable(table)) return [];
  const state = ledger.read();
  const nowMs = Date.now();
  return ["refused", "refused6"]
    .flatMap((set) => listElements(host.firewall, table, set))
    .map(({ key: [address = "", destination = "", protocol = "", port = "0"], packets = 0, expires = 0 }) => {
      const endpoint = state.endpoints.find((one) => one.address === address || one.address6 === address);
      const sandbox = state.sandboxes.find(({ id }) => id === endpoint?.sandbox);
      return {
        container: sandbox === undefined ? address : labelOf(sandbox),
        address,
        destination,
        protocol,
        // Of a ping the kernel noted what stands where others have their port.
        port: protocolsWithPorts.includes(protocol) ? Number(port) : 0,
        count: packets,
        lastSeen: new Date(nowMs - (rememberedSeconds - expires) * 1000).toISOString(),
      };
    })
    .sort((a, b) => b.lastSeen.localeCompare(a.lastSeen));
}
