import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isLighterError, LighterError } from "#base";
import { errnoOf, type Host, type Link, type NetworkNamespace } from "#host";
import type { EndpointRequest } from "#runtime";
import { readEndpointOptions } from "./endpoint-options.ts";
import type { Owner } from "./find-network.ts";
import { needsTable, renderFirewall, renderPorts, renderUpdate } from "./firewall-rules.ts";
import { describeOverlap, freeSubnet, type HostNetworks, mtuOf, readHostNetworks } from "./host-networks.ts";
import { firstAddress } from "./ipam.ts";
import type { LedgerPage } from "./ledger.ts";
import { randomMac } from "./mac-address.ts";
import { bridgeOptions, defaultNetwork, isSociable, type Network, subnetOf } from "./network-record.ts";
import type { Endpoint, NetworkState, PublishedPort, RaisedNetwork, Sandbox } from "./network-state.ts";
import { listElements } from "./set-elements.ts";
import { createSublink, parentMissing } from "./sublink.ts";

/** A socket with whose last end the kernel waits. */
export type Closing = ReturnType<Host["firewall"]["removeTable"]>;

interface LeftAside {
  readonly page: LedgerPage;
  readonly folder: string;
  readonly closing?: Closing | undefined;
}

/** flock on the namespace itself: one lock for all stores that share this host's network. */
const hostNetwork = "/proc/self/ns/net";

/** The kernel's side of networks. Every call is made under the ledger's lock, but {@link NetworkKernel.removeLinks}. */
export class NetworkKernel {
  readonly #host: Pick<Host, "links" | "firewall" | "locks" | "processes">;
  readonly #ownerOf: () => Owner;

  constructor(options: {
    readonly host: Pick<Host, "links" | "firewall" | "locks" | "processes">;
    readonly owner: () => Owner;
  }) {
    this.#host = options.host;
    this.#ownerOf = options.owner;
  }

  /**
   * The network as it stands, else as it is going to stand, with a free bridge name, and a free subnet for the default network.
   * Dispose when it is raised: until then no other store can choose the same.
   */
  async prepare(
    page: LedgerPage,
    network: Network,
  ): Promise<{ readonly network: RaisedNetwork } & Disposable> {
    const known = page.state.networks.find(({ name }) => name === network.name);
    if (known !== undefined) return { network: known, [Symbol.dispose]: () => {} };
    const lock = await this.#host.locks.acquire(hostNetwork, "exclusive");
    try {
      const raised =
        network.driver === "bridge" ? await this.#prepareBridge(page, network) : this.#prepareParent(network);
      return { network: raised, [Symbol.dispose]: () => lock[Symbol.dispose]() };
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /** What the host reaches without this store. */
  hostNetworks(): HostNetworks {
    return readHostNetworks(this.#host.links, (link) => this.#isOwn(link));
  }

  /** Makes the network's link stand as the network says. False when it stood already. */
  raise(network: RaisedNetwork, page: LedgerPage): boolean {
    if (network.driver !== "bridge") return this.#raiseParent(network);
    const { links } = this.#host;
    const addresses = gatewayCidrs(network);
    const found = links.find(network.link);
    if (found !== undefined && this.#isOwn(found) && addresses.every((one) => found.addresses.includes(one)))
      return false;
    if (found !== undefined) throw occupied(network);
    const has6 = subnetOf(network, 6) !== undefined;
    this.#allowForwarding(page, "net/ipv4/ip_forward");
    if (has6) this.#allowForwarding(page, "net/ipv6/conf/all/forwarding");
    const { mac = randomMac(), mtu } = network;
    links.createBridge(network.link, { mac, mtu, alias: this.#ownerOf().text });
    this.#change(`net/ipv6/conf/${network.link}/disable_ipv6`, has6 ? "0" : "1");
    for (const address of addresses) links.addAddress(network.link, address);
    links.setUp(network.link);
    return true;
  }

  /** After the guard against foreign 127.0.0.0/8 stands. */
  routeLoopback(network: RaisedNetwork): void {
    if (network.driver === "bridge" && !network.internal)
      this.#host.links.setSetting(`net/ipv4/conf/${network.link}/route_localnet`, "1");
  }

  /** Makes the container's link, born inside the container's namespace, and sets that up. */
  async connect(
    network: RaisedNetwork,
    endpoint: Endpoint,
    { namespace, request }: { readonly namespace: NetworkNamespace; readonly request: EndpointRequest },
  ): Promise<void> {
    const { links } = this.#host;
    if (network.driver === "bridge" && endpoint.link !== undefined)
      links.createVeth({
        name: endpoint.link,
        bridge: network.link,
        hairpin: true,
        isolated: !isSociable(network),
        peer: endpoint.inner,
        peerNamespace: namespace,
        peerMac: endpoint.mac,
        mtu: network.mtu,
      });
    else await createSublink(links, network, endpoint, namespace);
    const settings = `net/ipv6/conf/${endpoint.inner}`;
    this.#change(`${settings}/disable_ipv6`, endpoint.address6 === undefined ? "1" : "0", namespace);
    if (endpoint.address6 !== undefined) this.#change(`${settings}/accept_ra`, "0", namespace);
    // Neighbours that knew an earlier holder of the address hear of the new one.
    this.#change(`net/ipv4/conf/${endpoint.inner}/arp_notify`, "1", namespace);
    for (const [path, value] of readEndpointOptions(network.name, request).settings)
      this.#set(network, { path: path.replace("IFNAME", endpoint.inner), value, namespace });
    const linkLocal = (request.linkLocalAddresses ?? []).map(
      (one) => `${one}/${one.includes(":") ? 64 : 16}`,
    );
    for (const cidr of [...addressCidrs(network, endpoint), ...linkLocal])
      links.addAddress(endpoint.inner, cidr, namespace);
    links.setUp(endpoint.inner, namespace);
  }

  #set(
    { name }: RaisedNetwork,
    setting: { readonly path: string; readonly value: string; readonly namespace: NetworkNamespace },
  ): void {
    try {
      this.#host.links.setSetting(setting.path, setting.value, setting.namespace);
    } catch (error) {
      throw new LighterError(
        "NETWORK_INVALID",
        `cannot join network "${name}": the kernel does not take "${setting.value}" for ${setting.path.replaceAll("/", ".")}`,
        { details: { network: name }, cause: error },
      );
    }
  }

  /** The default route of a container, by one of its endpoints, whatever it was before. */
  addDefaultRoute(
    network: RaisedNetwork,
    endpoint: Endpoint,
    where: { readonly version: 4 | 6; readonly namespace: NetworkNamespace },
  ): void {
    const gateway = subnetOf(network, where.version)?.gateway;
    const mode = network.options["ipvlan_mode"] ?? "l2";
    const route =
      network.driver === "ipvlan" && mode !== "l2"
        ? { destination: where.version === 4 ? "0.0.0.0/0" : "::/0", link: endpoint.inner }
        : { gateway: gateway ?? "", link: endpoint.inner };
    this.#host.links.addRoute({ ...route, replaces: true }, where.namespace);
  }

  removeInner(endpoint: Endpoint, namespace: NetworkNamespace): Promise<void> {
    return this.#host.links.remove(endpoint.inner, namespace);
  }

  /** Adds a container's ports to the table; brings the whole table when somebody removed it. */
  publish(state: NetworkState, sandbox: Sandbox): void {
    const { table } = this.#ownerOf();
    if (!needsTable(state)) return;
    const script = renderPorts(table, "add", { state, sandbox });
    if (!this.#host.firewall.hasTable(table)) this.applyFirewall(state);
    else if (script !== "") this.#host.firewall.apply(script);
  }

  /** Takes a container's ports back out; a table that is not as it was left is made anew. */
  withdraw(state: NetworkState, former: { readonly state: NetworkState; readonly sandbox: Sandbox }): void {
    const script = renderPorts(this.#ownerOf().table, "delete", former);
    if (script === "") return;
    try {
      this.#host.firewall.apply(script);
    } catch (error) {
      if (!isLighterError(error, "FIREWALL_FAILED")) throw error;
      this.#replaceTable(state);
    }
  }

  /** Makes the whole table say what the state says, or removes it when no network is left. */
  applyFirewall(state: NetworkState): void {
    const { table } = this.#ownerOf();
    const { firewall } = this.#host;
    if (!needsTable(state) || !firewall.hasTable(table)) return this.#replaceTable(state);
    try {
      firewall.apply(renderUpdate(table, state));
    } catch (error) {
      if (!isLighterError(error, "FIREWALL_FAILED")) throw error;
      this.#replaceTable(state);
    }
  }

  #replaceTable(state: NetworkState): void {
    const { table, text } = this.#ownerOf();
    if (needsTable(state) || this.#host.firewall.hasTable(table))
      this.#host.firewall.apply(renderFirewall(table, state, text));
  }

  /** Removes the table when no network is left; what it returns may be held by a program that outlives this process. */
  removeFirewall(): Closing | undefined {
    const { table } = this.#ownerOf();
    const { firewall } = this.#host;
    return firewall.hasTable(table) ? firewall.removeTable(table) : undefined;
  }

  /** What names were resolved to for a container with an egress policy; the next holder of its addresses must not have it. */
  forgetResolved(state: NetworkState, sandbox: Sandbox): void {
    const { table } = this.#ownerOf();
    if (!this.#host.firewall.hasTable(table)) return;
    const own = state.endpoints
      .filter((endpoint) => endpoint.sandbox === sandbox.id)
      .flatMap(({ address, address6 }) => [address ?? [], address6 ?? []].flat());
    const script = ["resolved", "resolved_any", "resolved6", "resolved_any6"]
      .flatMap((set) =>
        listElements(this.#host.firewall, table, set)
          .filter(({ key }) => own.includes(key[0] ?? ""))
          .map(({ key }) => `delete element inet ${table} ${set} { ${key.join(" . ")} }\n`),
      )
      .join("");
    if (script !== "") this.#host.firewall.apply(script);
  }

  /** Datagrams have no connection to end: one that keeps coming would be sent where the port led before. */
  forgetFlows(ports: readonly PublishedPort[]): void {
    for (const { protocol, hostPort } of ports)
      if (protocol === "udp") this.#host.firewall.forgetFlows({ protocol, port: hostPort });
  }

  /** The links of networks that nobody uses any more: those that this store made, for another program may have one of that name. */
  ownLinks(networks: readonly RaisedNetwork[]): readonly string[] {
    const own = networks.filter(({ link, mac, ownsLink }) => {
      const found = ownsLink ? this.#host.links.find(link) : undefined;
      return found !== undefined && (this.#isOwn(found) || found.mac === mac);
    });
    return own.map(({ link }) => link);
  }

  /** Removes those links that exist, at once. */
  async removeLinks(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        try {
          await this.#host.links.remove(name);
        } catch (error) {
          if (errnoOf(error) !== "ENODEV") throw error;
        }
      }),
    );
  }

  /**
   * The same by a program that inherits the ledger's lock and outlives this process: whoever waits for this one does not wait
   * for the kernel, and the next command waits for the lock. It closes `closing` as the last one, for which the kernel makes
   * it wait too. False where there is no `ip`.
   */
  removeLinksAside(names: readonly string[], left: LeftAside): boolean {
    const { page, folder, closing } = left;
    const { processes } = this.#host;
    if (processes.find("ip") === undefined) return false;
    const batch = join(folder, "links-to-remove");
    writeFileSync(batch, names.map((name) => `link delete dev ${name}\n`).join(""), { mode: 0o600 });
    // As a descriptor, because whoever ends may remove the whole store at once.
    const input = openSync(batch, "r");
    try {
      const running = processes.spawn("ip", ["-force", "-batch", "-"], {
        stdio: [input, "ignore", "ignore", page.lockFd, ...(closing === undefined ? [] : [closing.fd])],
        detached: true,
        cwd: "/",
        // It needs none; with one of its own it is started quickly.
        env: {},
      });
      running.unref();
      return running.pid > 0;
    } finally {
      closeSync(input);
    }
  }

  async #prepareBridge(page: LedgerPage, network: Network): Promise<RaisedNetwork> {
    const found = this.hostNetworks();
    const standing = new Set(page.state.networks.map(({ link }) => link));
    const stale = found.links.filter((link) => this.#isOwn(link) && !standing.has(link.name));
    await this.removeLinks(stale.map(({ name }) => name));
    const others = page.records.filter(({ name }) => name !== network.name);
    const settled = network.name === defaultNetwork ? this.#settleDefault(network, others, found) : network;
    for (const { subnet } of settled.subnets) {
      const overlap = describeOverlap(subnet, { reached: found.reached, networks: [] });
      if (overlap !== undefined) throw overlapping(network, overlap);
    }
    const names = new Set(found.links.filter((link) => !stale.includes(link)).map(({ name }) => name));
    const link = bridgeNameOf(network, names);
    // Before the state says that it is this network's, and with it what the last endpoint removes.
    if (names.has(link)) throw occupied({ name: network.name, link });
    const mtu = network.options[bridgeOptions.mtu];
    return {
      ...settled,
      link,
      ownsLink: true,
      mac: randomMac(),
      mtu: mtu === undefined ? mtuOf(found) : Number(mtu),
    };
  }

  #settleDefault(network: Network, others: readonly Network[], found: HostNetworks): Network {
    const globalId = () => this.#ownerOf().globalId;
    const subnet = freeSubnet(4, { reached: found.reached, networks: others, globalId });
    return { ...network, subnets: [{ subnet, gateway: firstAddress(subnet) }] };
  }

  #prepareParent(network: Network): RaisedNetwork {
    const parent = network.options["parent"] ?? "";
    const links = this.#host.links.list();
    const found = links.find(({ name }) => name === parent);
    const vlan = /^(.+)\.(\d{1,4})$/.exec(parent);
    const below = links.find(({ name }) => name === vlan?.[1]);
    const lower = found ?? below;
    if (lower === undefined) throw parentMissing(network, parent);
    const mtu = network.options[bridgeOptions.mtu];
    return {
      ...network,
      link: parent,
      ownsLink: found === undefined || this.#isOwn(found),
      mtu: mtu === undefined ? lower.mtu : Number(mtu),
    };
  }

  #raiseParent(network: RaisedNetwork): boolean {
    const { links } = this.#host;
    if (links.find(network.link) !== undefined) return false;
    const vlan = /^(.+)\.(\d{1,4})$/.exec(network.link);
    if (vlan === null) throw parentMissing(network, network.link);
    const [, parent = "", id = ""] = vlan;
    links.createVlan({ name: network.link, parent, id: Number(id), alias: this.#ownerOf().text });
    links.setUp(network.link);
    return true;
  }

  #allowForwarding(page: LedgerPage, name: string): void {
    const former = this.#host.links.getSetting(name);
    if (former !== "0") return;
    page.save({ ...page.state, changedSettings: { [name]: former, ...page.state.changedSettings } });
    this.#host.links.setSetting(name, "1");
  }

  /** For settings that a kernel without IPv6 does not have. */
  #change(name: string, value: string, namespace?: NetworkNamespace): void {
    const { links } = this.#host;
    try {
      if (links.getSetting(name, namespace) !== value) links.setSetting(name, value, namespace);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }

  #isOwn(link: Link): boolean {
    return this.#ownerOf().owns(link.alias);
  }
}

/** Docker's name for the bridge of a user network; `lighter0` for the default one, counted up per store. */
function bridgeNameOf(network: Network, names: ReadonlySet<string>): string {
  const chosen = network.options[bridgeOptions.name];
  if (chosen !== undefined) return chosen;
  if (network.name !== defaultNetwork) return `br-${network.id.slice(0, 12)}`;
  let number = 0;
  while (names.has(`lighter${number}`)) number += 1;
  return `lighter${number}`;
}

function occupied({ name, link }: Pick<RaisedNetwork, "name" | "link">): LighterError {
  return new LighterError(
    "NETWORK_INVALID",
    `cannot use bridge "${link}" for network "${name}": a link of that name was changed or made by another program, or is another network's; remove it or make the network with another bridge name`,
    { details: { link } },
  );
}

function overlapping({ name }: Network, overlap: string): LighterError {
  return new LighterError(
    "NETWORK_OVERLAP",
    `cannot join network "${name}": ${overlap}; remove one of the two`,
    { details: { network: name } },
  );
}

function gatewayCidrs(network: RaisedNetwork): string[] {
  return network.subnets.map(({ subnet, gateway }) => `${gateway}/${prefixOf(subnet)}`);
}

function addressCidrs(network: RaisedNetwork, { address, address6 }: Endpoint): string[] {
  return ([4, 6] as const).flatMap((version) => {
    const own = version === 4 ? address : address6;
    const subnet = subnetOf(network, version)?.subnet;
    return own === undefined || subnet === undefined ? [] : [`${own}/${prefixOf(subnet)}`];
  });
}

export function prefixOf(subnet: string): number {
  return Number(subnet.split("/")[1]);
}
