import { LighterError } from "#base";
import { decodeAddress, encodeAddress, encodeCidr } from "#host";

/** Docker's pools for networks whose subnet nobody chose: 172.17-31.0.0/16, then 192.168.0.0/16 in /20s. */
export const defaultPools: readonly string[] = [
  ...Array.from({ length: 15 }, (_, at) => `172.${17 + at}.0.0/16`),
  ...Array.from({ length: 16 }, (_, at) => `192.168.${at * 16}.0/20`),
];

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
    "cannot choose a subnet: every default one overlaps a network that this host reaches; remove one",
    { details: { used } },
  );
}

/** The first usable address of a network: its gateway by custom. */
export function firstAddress(subnet: string): string {
  return addressAt(parseNetwork(subnet), 1n);
}

/**
 * The next free address after `last`, going round: an address that was just given back is used last, because
 * neighbours may still hold the old machine address.
 * @throws NETWORK_EXHAUSTED
 */
export function nextAddress(subnet: string, taken: ReadonlySet<string>, last: string | undefined): string {
  const network = parseNetwork(subnet);
  const isLastReserved = network.bits === 32;
  const usable = sizeOf(network) - (isLastReserved ? 2n : 1n);
  const start = last === undefined ? 0n : toNumber(encodeAddress(last).bytes) - network.first;
  for (let step = 0n; step < usable; step += 1n) {
    const address = addressAt(network, ((start + step) % usable) + 1n);
    if (!taken.has(address)) return address;
  }
  throw new LighterError(
    "NETWORK_EXHAUSTED",
    `cannot give an address: all of ${subnet} are in use; stop a container`,
    { details: { subnet } },
  );
}

/** A network as numbers, so that both versions are counted alike. */
interface Network {
  readonly first: bigint;
  readonly prefix: number;
  /** 32 or 128. */
  readonly bits: number;
}

function parseNetwork(cidr: string): Network {
  const { bytes, prefix } = encodeCidr(cidr);
  const bits = bytes.length * 8;
  const host = BigInt(bits - prefix);
  return { first: (toNumber(bytes) >> host) << host, prefix, bits };
}

/** Networks of different versions share nothing. */
function overlap(a: Network, b: Network): boolean {
  return a.bits === b.bits && a.first < b.first + sizeOf(b) && b.first < a.first + sizeOf(a);
}

function sizeOf({ bits, prefix }: Network): bigint {
  return 1n << BigInt(bits - prefix);
}

function addressAt({ first, bits }: Network, offset: bigint): string {
  return decodeAddress(Buffer.from((first + offset).toString(16).padStart(bits / 4, "0"), "hex"));
}

function toNumber(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString("hex")}`);
}
