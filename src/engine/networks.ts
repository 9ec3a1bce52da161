import type { ContainerRecord, Containers, NetworkSettings } from "#container";
import type { EventLog } from "#events";
import type { ConnectRequest, Networks, NetworkView } from "#network";

type Endpoints = ReturnType<Networks["endpoints"]>;

interface NetworksParts {
  readonly open: () => Promise<Networks>;
  readonly containers: () => Promise<Containers>;
  readonly events: EventLog;
  readonly onWarning: (text: string) => void;
}

type Asynchronous<Name extends keyof Networks> = (
  ...values: Parameters<Networks[Name]>
) => Promise<Awaited<ReturnType<Networks[Name]>>>;

/** The networks of a store, named as docker names them: by name, ID or a unique beginning of one. */
export class EngineNetworks {
  readonly #parts: NetworksParts;

  constructor(parts: NetworksParts) {
    this.#parts = parts;
  }

  readonly create: Asynchronous<"create"> = async (request) => {
    const network = await (await this.#open()).create(request);
    this.#tell("create", network);
    return network;
  };
  readonly list: Asynchronous<"list"> = async () => (await this.#open()).list();
  readonly get: Asynchronous<"get"> = async (text) => (await this.#open()).get(text);
  readonly remove: Asynchronous<"remove"> = async (text) => {
    const network = await (await this.#open()).remove(text);
    this.#tell("destroy", network);
    return network;
  };
  readonly prune: Asynchronous<"prune"> = async (accepts) => {
    const removed = await (await this.#open()).prune(accepts);
    for (const network of removed) this.#tell("destroy", network);
    this.#parts.events.append({ type: "network", action: "prune", id: "", attributes: { reclaimed: "0" } });
    return removed;
  };
  readonly firewall: Asynchronous<"firewall"> = async () => (await this.#open()).firewall();
  readonly graph: Asynchronous<"graph"> = async () => (await this.#open()).graph();
  readonly verify: Asynchronous<"verify"> = async (options) => await (await this.#open()).verify(options);
  readonly refused: Asynchronous<"refused"> = async () => (await this.#open()).refused();
  readonly refusedNames: Asynchronous<"refusedNames"> = async () => (await this.#open()).refusedNames();

  /**
   * Joins a container to one more network: at once when it runs, and whenever it starts.
   * @throws CONTAINER_NOT_FOUND, NETWORK_NOT_FOUND, ENDPOINT_EXISTS
   */
  async connect(request: ConnectRequest): Promise<void> {
    const networks = await this.#open();
    const containers = await this.#parts.containers();
    const record = containers.get(request.container);
    const network = networks.get(request.network);
    const { name } = network;
    const { container: _, network: __, ...endpoint } = request;
    let now: Pick<NetworkSettings, "endpoints"> = {};
    if (record.state.pid !== 0) {
      const former = networks.resolvConf(record.id) ?? "";
      const before = networks.endpoints(record.id);
      await networks.connect({ ...request, container: record.id, network: name });
      const wanted = networks.resolvConf(record.id) ?? former;
      if (wanted !== former && !containers.replaceResolvConf(record.id, wanted, former))
        this.#parts.onWarning(
          `names of network "${name}" are not answered in container "${record.name}": its /etc/resolv.conf was changed; write "nameserver 127.0.0.11" into it`,
        );
      now = { endpoints: await this.#settle(record, before) };
      this.#tell("connect", network, { container: record.id });
    }
    containers.setNetworks(record.id, ({ networking, ...rest }) => ({
      ...rest,
      ...now,
      networking: {
        ...networking,
        otherNetworks: [...(networking?.otherNetworks ?? []), { network: name, ...endpoint }],
      },
    }));
  }

  /** @throws CONTAINER_NOT_FOUND, NETWORK_NOT_FOUND, ENDPOINT_NOT_FOUND */
  async disconnect(request: { readonly network: string; readonly container: string }): Promise<void> {
    const networks = await this.#open();
    const containers = await this.#parts.containers();
    const record = containers.get(request.container);
    const network = networks.get(request.network);
    const { name } = network;
    let now: Pick<NetworkSettings, "endpoints"> = {};
    if (record.state.pid !== 0) {
      const before = networks.endpoints(record.id);
      await networks.disconnect({ container: record.id, network: name });
      now = { endpoints: await this.#settle(record, before) };
      this.#tell("disconnect", network, { container: record.id });
    }
    containers.setNetworks(record.id, (settings) => ({ ...without(settings, name), ...now }));
  }

  /** Tells a running container and its account which endpoints it has now. */
  async #settle(record: ContainerRecord, before: Endpoints): Promise<Endpoints> {
    const { ownHosts } = await import("#network");
    const [networks, containers] = [await this.#open(), await this.#parts.containers()];
    const now = networks.endpoints(record.id);
    const lines = (endpoints: Endpoints): readonly string[] =>
      ownHosts(endpoints, record).map(({ address, name }) => `${address}\t${name}`);
    const [gone, come] = [lines(before), lines(now)];
    containers.changeHosts(record.id, {
      gone: gone.filter((line) => !come.includes(line)),
      come: come.filter((line) => !gone.includes(line)),
    });
    containers.setEndpoints(record.id, now);
    return now;
  }

  #tell(
    action: "create" | "destroy" | "connect" | "disconnect",
    { id, name, driver }: Pick<NetworkView, "id" | "name" | "driver">,
    more: { readonly container?: string } = {},
  ): void {
    const attributes = { ...more, name, type: driver };
    this.#parts.events.append({ type: "network", action, id, attributes });
  }

  #open(): Promise<Networks> {
    return this.#parts.open();
  }
}

type Settings = ReturnType<Containers["get"]>["network"];

/** The next network takes the place of the first; with none left the container starts without. */
function without(settings: Settings, network: string): Settings {
  const { networking, ...rest } = settings;
  const others = (networking?.otherNetworks ?? []).filter((one) => one.network !== network);
  const isFirst = settings.name === network || (settings.name === "default" && network === "bridge");
  if (!isFirst) return { ...rest, networking: { ...networking, otherNetworks: others } };
  const [next, ...after] = others;
  const { endpoint: _, otherNetworks: __, ...kept } = networking ?? {};
  if (next === undefined) return { ...rest, name: "none", networking: kept };
  const { network: name, ...endpoint } = next;
  return { ...rest, name, networking: { ...kept, endpoint, otherNetworks: after } };
}
