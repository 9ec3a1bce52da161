import ipaddr from "ipaddr.js";
import { LighterError } from "#base";

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Docker's pools for networks whose subnet nobody chose: 172.17-31.0.0/16, then 192.168.0.0/16 in /20s. */
export const defaultPools: readonly string[] = [
  ...Array.from({ length: 15 }, (_, at) => `172.${17 + at}.0.0/16`),
  ...Array.from({ length: 16 }, (_, at) => `192.168.${at * 16}.0/20`),
];

/** The first pool that overlaps none of `used`. @throws NETWORK_EXHAUSTED */
export function chooseSubnet(used: readonly string[], pools: readonly string[] = defaultPools): string {
  const taken = used.map((cidr) => ipaddr.parseCIDR(cidr));
  const free = pools.find((pool) => {
    const candidate = ipaddr.parseCIDR(pool);
    return !taken.some((network) => overlap(candidate, network));
  });
  if (free !== undefined) return free;
  throw new LighterError(
    "NETWORK_EXHAUSTED",
    "cannot choose a subnet: every default one overlaps a network that this host reaches; remove one",
    { details: { used } },
  );
}

/** Whether two networks share an address. Networks of different versions do not. */
function overlap([a, aPrefix]: Network, [b, bPrefix]: Network): boolean {
  return a.kind() === b.kind() && a.match(b, Math.min(aPrefix, bPrefix));
}

/** The first usable address of a network: its gateway by custom. */
export function firstAddress(subnet: string): string {
  return addressAt(subnet, 1n);
}

/**
 * The next free address after `last`, going round: an address that was just given back is used last, because
 * neighbours may still hold the old machine address.
 * @throws NETWORK_EXHAUSTED
 */
export function nextAddress(subnet: string, taken: ReadonlySet<string>, last: string | undefined): string {
  const [network, prefix] = ipaddr.parseCIDR(subnet);
  const size = 1n << BigInt(bitsOf(network) - prefix);
  const isLastReserved = network.kind() === "ipv4";
  const usable = size - (isLastReserved ? 2n : 1n);
  const start = last === undefined ? 0n : offsetOf(subnet, last);
  for (let step = 0n; step < usable; step += 1n) {
    const address = addressAt(subnet, ((start + step) % usable) + 1n);
    if (!taken.has(address)) return address;
  }
  throw new LighterError(
    "NETWORK_EXHAUSTED",
    `cannot give an address: all of ${subnet} are in use; stop a container`,
    { details: { subnet } },
  );
}

function addressAt(subnet: string, offset: bigint): string {
  const [network, prefix] = ipaddr.parseCIDR(subnet);
  const bits = BigInt(bitsOf(network));
  const base = (toNumber(network) >> (bits - BigInt(prefix))) << (bits - BigInt(prefix));
  return fromNumber(base + offset, bitsOf(network));
}

function offsetOf(subnet: string, address: string): bigint {
  return toNumber(ipaddr.parse(address)) - toNumber(ipaddr.parse(addressAt(subnet, 0n)));
}

function bitsOf(address: ipaddr.IPv4 | ipaddr.IPv6): number {
  return address.kind() === "ipv4" ? 32 : 128;
}

function toNumber(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return address.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function fromNumber(value: bigint, bits: number): string {
  const bytes = Array.from({ length: bits / 8 }, (_, at) =>
    Number((value >> BigInt(bits - 8 - at * 8)) & 0xffn),
  );
  return ipaddr.fromByteArray(bytes).toString();
}
