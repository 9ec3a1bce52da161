import { LighterError } from "#base";
import { decodeAddress, encodeAddress, encodeCidr } from "#host";

/** Docker's pools for networks whose subnet nobody chose: 172.17-31.0.0/16, then 192.168.0.0/16 in /20s. */
export const defaultPools: readonly string[] = [
  ...Array.from({ length: 15 }, (_, at) => `172.${17 + at}.0.0/16`),
  ...Array.from({ length: 16 }, (_, at) => `192.168.${at * 16}.0/20`),
];

/** 65,536 subnets of a unique local /48; `globalId` is 40 bits in hexadecimal, so that two stores hardly meet (RFC 4193). */
export function localPools6(globalId: string, count = 256): readonly string[] {
  const prefix = `fd${globalId.slice(0, 2)}:${globalId.slice(2, 6)}:${globalId.slice(6, 10)}`;
  return Array.from({ length: count }, (_, at) => `${prefix}:${(at + 1).toString(16)}::/64`);
}

/** The first pool that overlaps none of `used`. @throws NETWORK_EXHAUSTED */
export function chooseSubnet(used: readonly string[], pools: readonly string[] = defaultPools): string {
  const taken = used.map(parseNetwork);
  const free = pools.find((pool) => {
    const candidate = parseNetwork(pool);
    return !taken.some((network) => overlap(candidate, network));
  });
  if (free !== undefined) return free;
  throw new LighterError(
    "NETWORK_EXHAUSTED",
    "cannot choose a subnet: every default one overlaps a network that this host reaches; remove one, or name one with --subnet",
    { details: { used } },
  );
}

/** The first of `others` that shares an address with `subnet`. */
export function findOverlap(subnet: string, others: readonly string[]): string | undefined {
  const network = parseNetwork(subnet);
  return others.find((other) => overlap(network, parseNetwork(other)));
}

export function containsAddress(subnet: string, address: string): boolean {
  return overlap(parseNetwork(subnet), parseNetwork(`${address}/${address.includes(":") ? 128 : 32}`));
}

export function containsSubnet(outer: string, inner: string): boolean {
  const [a, b] = [parseNetwork(outer), parseNetwork(inner)];
  return overlap(a, b) && a.prefix <= b.prefix;
}

/** With the bits of the host part cleared and the address in its shortest form. @throws ARGUMENT_INVALID */
export function canonicalSubnet(cidr: string): string {
  const network = parseNetwork(cidr);
  return `${addressAt(network, 0n)}/${network.prefix}`;
}

/** @throws ARGUMENT_INVALID */
export function canonicalAddress(address: string): string {
  return decodeAddress(encodeAddress(address).bytes);
}

/** The first usable address of a network: its gateway by custom. */
export function firstAddress(subnet: string): string {
  const network = parseNetwork(subnet);
  return addressAt(network, sizeOf(network) <= 2n ? 0n : 1n);
}

/** How many addresses may be given to containers and gateway. */
export function usableAddresses(subnet: string): bigint {
  const network = parseNetwork(subnet);
  return usableIn(network, network);
}

/** Whether an address is one that a container may have: not the network's own, nor the broadcast of IPv4. */
export function isUsable(subnet: string, address: string): boolean {
  const network = parseNetwork(subnet);
  const offset = toNumber(encodeAddress(address).bytes) - network.first;
  if (sizeOf(network) <= 2n) return offset >= 0n && offset < sizeOf(network);
  const last = network.bits === 32 ? sizeOf(network) - 1n : sizeOf(network);
  return offset > 0n && offset < last;
}

/** Where addresses come from, and which are gone. */
export interface AddressChoice {
  readonly subnet: string;
  readonly range?: string | undefined;
  readonly taken: ReadonlySet<string>;
  readonly last?: string | undefined;
}

/**
 * The next free address after `last`, going round: an address that was just given back is used last, because
 * neighbours may still hold the old machine address.
 * @throws NETWORK_EXHAUSTED
 */
export function nextAddress({ subnet, range = subnet, taken, last }: AddressChoice): string {
  const network = parseNetwork(subnet);
  const pool = parseNetwork(range);
  const low = pool.first === network.first && sizeOf(network) > 2n ? 1n : 0n;
  const usable = usableIn(network, pool);
  const start = last === undefined ? 0n : toNumber(encodeAddress(last).bytes) - pool.first - low + 1n;
  const origin = start < 0n || start > usable ? 0n : start;
  // No more can be taken than there are entries: after one more try than those, an address is free or all are gone.
  const tries = usable < BigInt(taken.size) + 1n ? usable : BigInt(taken.size) + 1n;
  for (let step = 0n; step < tries; step += 1n) {
    const address = addressAt(pool, ((origin + step) % usable) + low);
    if (!taken.has(address)) return address;
  }
  throw new LighterError(
    "NETWORK_EXHAUSTED",
    `cannot give an address: all of ${range} are in use; stop a container or make a network with a larger subnet`,
    { details: { subnet, range } },
  );
}

/** A network as numbers, so that both versions are counted alike. */
interface Subnetwork {
  readonly first: bigint;
  readonly prefix: number;
  /** 32 or 128. */
  readonly bits: number;
}

function parseNetwork(cidr: string): Subnetwork {
  const { bytes, prefix } = encodeCidr(cidr);
  const bits = bytes.length * 8;
  const host = BigInt(bits - prefix);
  return { first: (toNumber(bytes) >> host) << host, prefix, bits };
}

/** Of a pool inside a network: the network's own address and the broadcast of IPv4 are nobody's. */
function usableIn(network: Subnetwork, pool: Subnetwork): bigint {
  if (sizeOf(network) <= 2n) return sizeOf(pool);
  const first = pool.first === network.first ? 1n : 0n;
  const isLastReserved = network.bits === 32 && pool.first + sizeOf(pool) === network.first + sizeOf(network);
  return sizeOf(pool) - first - (isLastReserved ? 1n : 0n);
}

/** Networks of different versions share nothing. */
function overlap(a: Subnetwork, b: Subnetwork): boolean {
  return a.bits === b.bits && a.first < b.first + sizeOf(b) && b.first < a.first + sizeOf(a);
}

function sizeOf({ bits, prefix }: Subnetwork): bigint {
  return 1n << BigInt(bits - prefix);
}

function addressAt({ first, bits }: Subnetwork, offset: bigint): string {
  return decodeAddress(Buffer.from((first + offset).toString(16).padStart(bits / 4, "0"), "hex"));
}

function toNumber(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString("hex")}`);
}
