import { createSocket } from "node:dgram";
import { closeSync } from "node:fs";
import { createServer } from "node:net";
import { Cleanup, LighterError, systemErrorCode } from "#base";
import { errnoOf, type Host } from "#host";
import type { PortMapping } from "#runtime";
import type { PublishedPort } from "./network-state.ts";

/** Host ports that this process holds; disposing lets them go. */
export interface PortReservation extends AsyncDisposable {
  readonly ports: readonly PublishedPort[];
  /** Descriptors of the sockets, by kind. */
  readonly descriptors: { readonly tcp: readonly number[]; readonly udp: readonly number[] };
}

/**
 * Takes host ports by binding real sockets, so that the kernel decides between racing processes of any kind. Packets
 * never reach the sockets while the firewall forwards the port; a stray connection is closed.
 *
 * `describeHolder` has the words for who holds a taken port: `already published by container "nginx"`.
 *
 * @throws PORT_IN_USE, PORT_INVALID
 */
export async function reservePorts(
  mappings: readonly PublishRequest[],
  options: {
    readonly sockets: () => Host["sockets"];
    readonly describeHolder: (mapping: PortMapping) => string;
  },
): Promise<PortReservation> {
  await using undo = new Cleanup();
  const ports: PublishedPort[] = [];
  const descriptors = { tcp: new Array<number>(), udp: new Array<number>(), sctp: new Array<number>() };
  const bind: Bind = async (mapping) => {
    if (mapping.protocol === "sctp") return bindSctp(options.sockets, mapping);
    return await (mapping.protocol === "tcp" ? bindTcp : bindUdp)(mapping);
  };
  for (const request of distinct(mappings)) {
    for (const { mapping, bound } of await bindFirstFree(request, bind, options.describeHolder)) {
      undo.defer(bound.close);
      descriptors[mapping.protocol].push(bound.fd);
      const { dual: _, hostPortLast: __, ...published } = mapping;
      ports.push({ ...published, hostPort: bound.port });
    }
  }
  const held = undo.move();
  return {
    ports,
    descriptors: { tcp: descriptors.tcp, udp: [...descriptors.udp, ...descriptors.sctp] },
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  };
}

/** A mapping, and whether it means every IPv6 address too. */
export interface PublishRequest extends PortMapping {
  readonly dual?: boolean;
}

type Bind = (mapping: PublishRequest) => Promise<BoundPort>;
interface Binding {
  readonly mapping: PublishRequest;
  readonly bound: BoundPort;
}

const randomTries = 20;

/** The port asked for, the first free one of a range, or a random one; on both versions the same. */
async function bindFirstFree(
  request: PublishRequest,
  bind: Bind,
  describeHolder: (mapping: PortMapping) => string,
): Promise<readonly Binding[]> {
  const { hostPort, hostPortLast = hostPort } = request;
  const candidates =
    hostPort === undefined || hostPortLast === undefined
      ? Array.from({ length: randomTries }, () => undefined)
      : Array.from({ length: hostPortLast - hostPort + 1 }, (_, at) => hostPort + at);
  let failure: unknown;
  for (const candidate of candidates) {
    const mapping = candidate === undefined ? request : { ...request, hostPort: candidate };
    try {
      return await bindBoth(mapping, bind);
    } catch (error) {
      failure = bindingError(mapping, error, describeHolder);
      if (codeOf(error) !== "EADDRINUSE") break;
    }
  }
  throw failure;
}

async function bindBoth(mapping: PublishRequest, bind: Bind): Promise<readonly Binding[]> {
  const bound = await bind(mapping);
  const first: Binding = { mapping, bound };
  if (mapping.dual !== true) return [first];
  const second = { ...mapping, hostAddress: "::", hostPort: bound.port };
  try {
    return [first, { mapping: second, bound: await bind(second) }];
  } catch (error) {
    if (isWithout6(error)) return [first];
    await bound.close();
    throw error;
  }
}

/** A host without IPv6 has its ports on IPv4. */
function isWithout6(error: unknown): boolean {
  return ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(codeOf(error) ?? "");
}

interface BoundPort {
  readonly port: number;
  readonly fd: number;
  readonly close: () => Promise<void>;
}

// TCP listens, because two sockets with SO_REUSEADDR may share a port that nobody listens on; without the option,
// connections in TIME_WAIT would make a free port look taken.
function bindTcp(mapping: PortMapping): Promise<BoundPort> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const host = addressOf(mapping);
    server.listen(
      { host, port: mapping.hostPort ?? 0, exclusive: true, ipv6Only: host.includes(":") },
      () => {
        server.unref();
        const bound = server.address();
        const port = typeof bound === "object" && bound !== null ? bound.port : 0;
        resolve({
          port,
          fd: descriptorOf(server),
          close: () => new Promise((done) => server.close(() => done())),
        });
      },
    );
  });
}

function bindUdp(mapping: PortMapping): Promise<BoundPort> {
  const isVersion6 = addressOf(mapping).includes(":");
  const socket = createSocket({ type: isVersion6 ? "udp6" : "udp4", ipv6Only: isVersion6 });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: addressOf(mapping), port: mapping.hostPort ?? 0, exclusive: true }, () => {
      socket.unref();
      resolve({
        port: socket.address().port,
        fd: descriptorOf(socket),
        close: () => new Promise((done) => socket.close(done)),
      });
    });
  });
}

/** Node knows no SCTP. */
function bindSctp(sockets: () => Host["sockets"], mapping: PortMapping): BoundPort {
  const host = sockets();
  if (!host.has("sctp"))
    throw new LighterError(
      "PORT_INVALID",
      `cannot publish port ${portText(mapping)}: this kernel has no SCTP; load its module`,
    );
  const { fd, port } = host.bind({
    protocol: "sctp",
    address: addressOf(mapping),
    port: mapping.hostPort ?? 0,
  });
  return { fd, port, close: () => Promise.resolve(closeSync(fd)) };
}

function codeOf(error: unknown): string | undefined {
  return errnoOf(error) ?? systemErrorCode(error);
}

/** Node tells it nowhere in its documented surface; the handle has had `fd` since libuv, and tests of published ports hold it to that. */
function descriptorOf(socket: object): number {
  const handle = symbolHandle(socket) ?? Reflect.get(socket, "_handle");
  const fd = typeof handle === "object" && handle !== null && "fd" in handle ? handle.fd : undefined;
  if (typeof fd === "number" && fd >= 0) return fd;
  throw new LighterError(
    "INTERNAL",
    "cannot hand a reserved port on: this Node hides the descriptor of a socket",
  );
}

/** Where dgram keeps its handle; its `_handle` warns. */
function symbolHandle(socket: object): unknown {
  const symbol = Object.getOwnPropertySymbols(socket).find((one) => one.description === "state symbol");
  const state: unknown = symbol === undefined ? undefined : Reflect.get(socket, symbol);
  return typeof state === "object" && state !== null && "handle" in state ? state.handle : undefined;
}

function bindingError(
  mapping: PublishRequest,
  error: unknown,
  describeHolder: (mapping: PortMapping) => string,
): unknown {
  const subject = `cannot publish port ${portText(mapping)}`;
  const details = {
    hostPort: mapping.hostPort,
    hostAddress: mapping.hostAddress,
    protocol: mapping.protocol,
  };
  switch (codeOf(error)) {
    case "EADDRINUSE":
      return new LighterError(
        "PORT_IN_USE",
        `${subject}: ${describeHolder(mapping)}; choose another host port or stop it`,
        { details, cause: error },
      );
    case "EADDRNOTAVAIL":
      return new LighterError("PORT_INVALID", `${subject}: no interface of this host has that address`, {
        details,
        cause: error,
      });
    case "EACCES":
      return new LighterError(
        "PRIVILEGE_MISSING",
        `${subject}: ports below 1024 need privilege; run as root`,
        {
          details,
          cause: error,
        },
      );
    case undefined:
    default:
      return error;
  }
}

function portText({ hostAddress, hostPort, protocol, dual }: PublishRequest): string {
  const written = hostAddress?.includes(":") === true ? `[${hostAddress}]` : hostAddress;
  return `${written === undefined || dual === true ? "" : `${written}:`}${hostPort ?? "any"}/${protocol}`;
}

function addressOf(mapping: PortMapping): string {
  return mapping.hostAddress ?? "0.0.0.0";
}

/** A mapping given twice counts once. Named ports come first, so that a random one does not take them. */
function distinct(mappings: readonly PublishRequest[]): PublishRequest[] {
  const keyed = mappings
    .filter((mapping) => mapping.hostPort !== undefined)
    .map((mapping) => {
      const { hostPort, hostPortLast, containerPort, protocol } = mapping;
      const key = [addressOf(mapping), hostPort, hostPortLast, containerPort, protocol];
      return [JSON.stringify(key), mapping] as const;
    });
  return [...new Map(keyed).values(), ...mappings.filter((mapping) => mapping.hostPort === undefined)];
}
