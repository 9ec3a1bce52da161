import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { Cleanup, LighterError, systemErrorCode } from "#base";
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
 * @param describeHolder the words for who holds a taken port: `already published by container "nginx"`
 * @throws PORT_IN_USE, PORT_INVALID
 */
export async function reservePorts(
  mappings: readonly PortMapping[],
  describeHolder: (mapping: PortMapping) => string,
): Promise<PortReservation> {
  await using undo = new Cleanup();
  const ports: PublishedPort[] = [];
  const descriptors: { tcp: number[]; udp: number[] } = { tcp: [], udp: [] };
  for (const mapping of distinct(mappings)) {
    const bind = mapping.protocol === "tcp" ? bindTcp : bindUdp;
    try {
      const bound = await bind(mapping);
      undo.defer(bound.close);
      descriptors[mapping.protocol].push(bound.fd);
      ports.push({ ...mapping, hostPort: bound.port });
    } catch (error) {
      throw bindingError(mapping, error, describeHolder);
    }
  }
  const held = undo.move();
  return { ports, descriptors, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
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
    server.listen({ host: addressOf(mapping), port: mapping.hostPort ?? 0, exclusive: true }, () => {
      server.unref();
      const bound = server.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : 0;
      resolve({
        port,
        fd: descriptorOf(server),
        close: () => new Promise((done) => server.close(() => done())),
      });
    });
  });
}

function bindUdp(mapping: PortMapping): Promise<BoundPort> {
  const socket = createSocket("udp4");
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
  mapping: PortMapping,
  error: unknown,
  describeHolder: (mapping: PortMapping) => string,
): unknown {
  const subject = `cannot publish port ${portText(mapping)}`;
  const details = {
    hostPort: mapping.hostPort,
    hostAddress: mapping.hostAddress,
    protocol: mapping.protocol,
  };
  switch (systemErrorCode(error)) {
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

function portText({ hostAddress, hostPort, protocol }: PortMapping): string {
  const address = hostAddress === undefined ? "" : `${hostAddress}:`;
  return `${address}${hostPort ?? "any"}/${protocol}`;
}

function addressOf(mapping: PortMapping): string {
  return mapping.hostAddress ?? "0.0.0.0";
}

/** A mapping given twice counts once. Named ports come first, so that a random one does not take them. */
function distinct(mappings: readonly PortMapping[]): PortMapping[] {
  const keyed = mappings
    .filter((mapping) => mapping.hostPort !== undefined)
    .map(
      (mapping) =>
        [
          JSON.stringify([addressOf(mapping), mapping.hostPort, mapping.containerPort, mapping.protocol]),
          mapping,
        ] as const,
    );
  return [...new Map(keyed).values(), ...mappings.filter((mapping) => mapping.hostPort === undefined)];
}
