import { isLighterError, LighterError } from "#base";
import type { Host, Link, NetworkNamespace } from "#host";
import { renderFirewall, renderPublishing } from "./firewall-rules.ts";
import { chooseSubnet, firstAddress } from "./ipam.ts";
import type { LedgerPage } from "./ledger.ts";
import { randomMac } from "./mac-address.ts";
import type { BridgeNetwork, Endpoint, NetworkState, PublishedPort } from "./network-state.ts";

const containerLink = "eth0";
const largestMtu = 1500;
/** flock on the namespace itself: one lock for all stores that share this host's network. */
const hostNetwork = "/proc/self/ns/net";

/** A VPN covers the world with two halves of it: a route as wide as that says no more than a default route. */
const widestPrefix = 8;

type Route = ReturnType<Host["links"]["routes"]>[number];

interface Owner {
  readonly table: string;
  readonly text: string;
}

/** The kernel's side of bridge networks. Every call is made under the ledger's lock, but {@link BridgeKernel.removeLinks}. */
export class BridgeKernel {
  readonly #host: Pick<Host, "links" | "firewall" | "locks">;
  readonly #ownerOf: () => Owner;

  constructor(options: {
    readonly host: Pick<Host, "links" | "firewall" | "locks">;
    readonly owner: () => Owner;
  }) {
    this.#host = options.host;
    this.#ownerOf = options.owner;
  }

  /**
   * The network `bridge` of the state, else a new one with a free bridge name and subnet. Dispose when it is raised: until then
   * no other store can choose the same.
   */
  async chooseNetwork(state: NetworkState): Promise<{ readonly network: BridgeNetwork } & Disposable> {
    const [known] = state.networks;
    if (known !== undefined) return { network: known, [Symbol.dispose]: () => {} };
    const lock = await this.#host.locks.acquire(hostNetwork, "exclusive");
    try {
      const links = this.#host.links.list();
      await this.removeLinks(links.filter((link) => this.#isOwn(link)).map(({ name }) => name));
      return { network: this.#newNetwork(links), [Symbol.dispose]: () => lock[Symbol.dispose]() };
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /** Makes the bridge stand as the network says, with the table of the state. False when it stood already. */
  raise(network: BridgeNetwork, page: LedgerPage): boolean {
    const { links } = this.#host;
    const found = links.find(network.bridge);
    if (found !== undefined && this.#isOwn(found) && found.addresses.includes(gatewayCidr(network)))
      return false;
    if (found !== undefined) throw occupied(network);
    this.#allowForwarding(page);
    links.createBridge(network.bridge, { mac: randomMac(), mtu: network.mtu, alias: this.#ownerOf().text });
    this.#change(`net/ipv6/conf/${network.bridge}/disable_ipv6`, "1");
    links.addAddress(network.bridge, gatewayCidr(network));
    links.setUp(network.bridge);
    this.applyFirewall(page.state);
    // After the guard against foreign 127.0.0.0/8 stands.
    links.setSetting(`net/ipv4/conf/${network.bridge}/route_localnet`, "1");
    return true;
  }

  /** Makes the pair, the far end inside the container's namespace, and sets that up. */
  connect(network: BridgeNetwork, endpoint: Endpoint, namespace: NetworkNamespace): void {
    const { links } = this.#host;
    links.createVeth({
      name: endpoint.link,
      bridge: network.bridge,
      hairpin: true,
      peer: containerLink,
      peerNamespace: namespace,
      peerMac: endpoint.mac,
      mtu: network.mtu,
    });
    this.#change(`net/ipv6/conf/${containerLink}/disable_ipv6`, "1", namespace);
    // Neighbours that knew an earlier holder of the address hear of the new one.
    this.#change(`net/ipv4/conf/${containerLink}/arp_notify`, "1", namespace);
    links.addAddress(containerLink, `${endpoint.address}/${prefixOf(network)}`, namespace);
    links.setUp(containerLink, namespace);
    links.addRoute({ gateway: network.gateway }, namespace);
  }

  /** Adds an endpoint's ports to the table; renews the whole table when asked, or when somebody removed it. */
  publish(state: NetworkState, endpoint: Endpoint, options: { readonly renew: boolean }): void {
    const { table } = this.#ownerOf();
    if (options.renew || !this.#host.firewall.hasTable(table)) this.applyFirewall(state);
    else if (endpoint.ports.length > 0) this.#host.firewall.apply(renderPublishing(table, endpoint));
  }

  /** Replaces the whole table, or removes it when no network is left. */
  applyFirewall(state: NetworkState): void {
    const { table, text } = this.#ownerOf();
    this.#host.firewall.apply(renderFirewall(table, state, text));
  }

  /** Datagrams have no connection to end: one that keeps coming would be sent where the port led before. */
  forgetFlows(ports: readonly PublishedPort[]): void {
    for (const { protocol, hostPort } of ports)
      if (protocol === "udp") this.#host.firewall.forgetFlows({ protocol, port: hostPort });
  }

  /** Removes those links that exist, at once. */
  async removeLinks(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        try {
          await this.#host.links.remove(name);
        } catch (error) {
          if (!isLighterError(error) || error.details["errno"] !== "ENODEV") throw error;
        }
      }),
    );
  }

  #newNetwork(links: readonly Link[]): BridgeNetwork {
    const names = new Set(links.filter((link) => !this.#isOwn(link)).map(({ name }) => name));
    let number = 0;
    while (names.has(`lighter${number}`)) number += 1;
    const bridge = `lighter${number}`;
    const routes = this.#host.links.routes();
    const subnet = chooseSubnet(this.#reachedNetworks(links, routes));
    return { name: "bridge", bridge, subnet, gateway: firstAddress(subnet), mtu: mtuOf(links, routes) };
  }

  /**
   * Networks that a new subnet must not hide: addresses of other links, up or not, and routes.
   */
  #reachedNetworks(links: readonly Link[], routes: readonly Route[]): string[] {
    const foreign = links.filter((link) => !this.#isOwn(link));
    const names = new Set(foreign.map(({ name }) => name));
    const destinations = routes.flatMap(({ link, destination }) =>
      names.has(link) && destination !== undefined && Number(destination.split("/")[1]) >= widestPrefix
        ? [destination]
        : [],
    );
    return [...foreign.flatMap((link) => link.addresses), ...destinations];
  }

  #allowForwarding(page: LedgerPage): void {
    const name = "net/ipv4/ip_forward";
    const former = this.#host.links.getSetting(name);
    if (former !== "0") return;
    page.save({ ...page.state, changedSettings: { [name]: former, ...page.state.changedSettings } });
    this.#host.links.setSetting(name, "1");
  }

  /** Changes a setting that a kernel without IPv6 lacks. */
  #change(name: string, value: string, namespace?: NetworkNamespace): void {
    try {
      this.#host.links.setSetting(name, value, namespace);
    } catch (error) {
      if (!isLighterError(error) || error.details["errno"] !== "ENOENT") throw error;
    }
  }

  #isOwn(link: Link): boolean {
    return link.alias === this.#ownerOf().text;
  }
}

function occupied(network: BridgeNetwork): LighterError {
  return new LighterError(
    "NETWORK_INVALID",
    `cannot use bridge "${network.bridge}": a link of that name was changed or made by another program; remove it`,
    { details: { link: network.bridge } },
  );
}

/** The way out sets the size: packets larger than it takes would be lost where ICMP is filtered. */
function mtuOf(links: readonly Link[], routes: readonly Route[]): number {
  const way = routes.find(({ destination }) => destination === undefined)?.link;
  return Math.min(largestMtu, links.find(({ name }) => name === way)?.mtu ?? largestMtu);
}

function gatewayCidr(network: BridgeNetwork): string {
  return `${network.gateway}/${prefixOf(network)}`;
}

function prefixOf(network: BridgeNetwork): string {
  return network.subnet.split("/")[1] ?? "";
}
