import { LighterError } from "#base";
import { parseEgress } from "./egress-rule.ts";
import {
  canonicalAddress,
  canonicalSubnet,
  containsAddress,
  containsSubnet,
  firstAddress,
  isUsable,
} from "./ipam.ts";
import { bridgeOptions, type DriverName, type Network, type Subnet } from "./network-record.ts";

/** What `docker network create` takes. */
export interface CreateNetworkRequest {
  readonly name: string;
  /** @defaultValue `bridge` */
  readonly driver?: string;
  readonly subnets?: readonly string[];
  readonly gateways?: readonly string[];
  readonly ipRanges?: readonly string[];
  /** Addresses that no container gets, by name. */
  readonly auxAddresses?: Readonly<Record<string, string>>;
  readonly ipv6?: boolean;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  /** `HOST[:PORT]`: nothing else may be reached. */
  readonly egress?: readonly string[];
  /** Only a description: subnets, options and labels, for others to be made from. */
  readonly configOnly?: boolean;
  /** Name or id of a network that is only a description: subnets, options and labels are its own. */
  readonly configFrom?: string;
}

/** A request that was found sound. Subnets that the user left open are missing. */
export interface NetworkPlan {
  readonly name: string;
  readonly driver: Exclude<DriverName, "host">;
  readonly subnets: readonly Subnet[];
  readonly needs: readonly (4 | 6)[];
  readonly options: Readonly<Record<string, string>>;
}

const namePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9_. -]*[a-zA-Z0-9_.-])?$/;
const linkPattern = /^[^\s/:]{1,15}$/;
const mtuRange = { min: 68, max: 65_535 } as const;

const isBoolean = (value: string): boolean => /^(true|false|1|0)$/i.test(value);
const isMtu = (value: string): boolean =>
  /^\d+$/.test(value) && Number(value) >= mtuRange.min && Number(value) <= mtuRange.max;
const isVersion4 = (value: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(value);

/** The options of each driver, with what a value has to be. */
const knownOptions: Readonly<Record<string, Readonly<Record<string, (value: string) => boolean>>>> = {
  bridge: {
    [bridgeOptions.name]: (value) => linkPattern.test(value),
    [bridgeOptions.icc]: isBoolean,
    [bridgeOptions.masquerade]: isBoolean,
    [bridgeOptions.hostBinding]: isVersion4,
    [bridgeOptions.isDefault]: (value) => value === "false",
    [bridgeOptions.mtu]: isMtu,
  },
  macvlan: {
    parent: (value) => linkPattern.test(value),
    macvlan_mode: (value) => ["bridge", "private", "vepa", "passthru"].includes(value),
    [bridgeOptions.mtu]: isMtu,
  },
  ipvlan: {
    parent: (value) => linkPattern.test(value),
    ipvlan_mode: (value) => ["l2", "l3", "l3s"].includes(value),
    [bridgeOptions.mtu]: isMtu,
  },
};

/** Finds every fault that needs no look at the host. @throws NETWORK_INVALID, NETWORK_PREDEFINED */
export function planNetwork(request: CreateNetworkRequest): NetworkPlan {
  const fail = failing(request.name);
  if (!namePattern.test(request.name))
    return fail('a name has letters, digits, "_", ".", "-" and blanks, and begins with a letter or digit');
  if (request.configOnly === true) return planDescription(request, fail);
  const driver = driverOf(request, fail);
  for (const host of request.egress ?? []) parseEgress(host);
  if ((request.egress ?? []).length > 0 && driver !== "bridge")
    return fail(`driver "${driver}" cannot keep an egress policy; use bridge`);
  const options = checkOptions(request.options ?? {}, driver, fail);
  const subnets = matchSubnets(request, fail);
  const has = (version: 4 | 6): boolean =>
    subnets.some(({ subnet }) => subnet.includes(":") === (version === 6));
  const needs = ([4, 6] as const).filter(
    (version) => !has(version) && (version === 4 || request.ipv6 === true),
  );
  return { name: request.name, driver, subnets, needs, options };
}

/** What a description cannot have is what belongs to one network alone. */
function planDescription(request: CreateNetworkRequest, fail: Fail): NetworkPlan {
  if (request.internal === true || request.attachable === true || (request.egress ?? []).length > 0)
    return fail(
      "configuration network can only contain network specific fields; internal, attachable and egress are for the networks that are made from it",
    );
  if (request.configFrom !== undefined) return fail("it cannot be made from another configuration network");
  const subnets = matchSubnets(request, fail);
  return { name: request.name, driver: "null", subnets, needs: [], options: request.options ?? {} };
}

/** A request with what the description says in place of what it must not say itself. @throws NETWORK_INVALID */
export function describedRequest(request: CreateNetworkRequest, description: Network): CreateNetworkRequest {
  const fail = failing(request.name);
  const {
    subnets = [],
    gateways = [],
    ipRanges = [],
    auxAddresses = {},
    labels = {},
    options = {},
  } = request;
  const own = [...subnets, ...gateways, ...ipRanges, ...Object.keys(auxAddresses), ...Object.keys(labels)];
  if (own.length > 0 || request.ipv6 === true)
    return fail(
      "user specified configurations are not supported if the network depends on a configuration network",
    );
  if (Object.keys(options).length > 0)
    return fail("network driver options are not supported if the network depends on a configuration network");
  const described = description.subnets;
  return {
    ...request,
    subnets: described.map(({ subnet }) => subnet),
    gateways: described.map(({ gateway }) => gateway),
    ipRanges: described.flatMap(({ ipRange }) => ipRange ?? []),
    auxAddresses: Object.assign({}, ...described.map((one) => one.auxAddresses)),
    ipv6: description.configOnly?.ipv6 ?? false,
    labels: description.labels,
    options: description.options,
  };
}

type Fail = (state: string, code?: "NETWORK_INVALID" | "NETWORK_PREDEFINED") => never;

function failing(name: string): Fail {
  return (state, code = "NETWORK_INVALID") => {
    throw new LighterError(code, `cannot create network "${name}": ${state}`, { details: { network: name } });
  };
}

function driverOf(
  { driver = "bridge" }: CreateNetworkRequest,
  fail: Fail,
): Exclude<DriverName, "host" | "null"> {
  if (driver === "bridge" || driver === "macvlan" || driver === "ipvlan") return driver;
  if (driver === "host" || driver === "null" || driver === "none")
    return fail(
      `only one instance of "${driver === "none" ? "null" : driver}" network is allowed`,
      "NETWORK_PREDEFINED",
    );
  return fail(`there is no driver "${driver}"; use bridge, macvlan or ipvlan`);
}

function checkOptions(
  options: Readonly<Record<string, string>>,
  driver: string,
  fail: Fail,
): Readonly<Record<string, string>> {
  const known = knownOptions[driver] ?? {};
  for (const [name, value] of Object.entries(options)) {
    const isValid = known[name];
    if (isValid === undefined)
      return fail(`driver "${driver}" has no option "${name}"; it knows ${Object.keys(known).join(", ")}`);
    if (!isValid(value)) return fail(`option "${name}" cannot be "${value}"`);
  }
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, isBoolean(value) ? booleanText(value) : value]),
  );
}

function booleanText(value: string): string {
  return /^(true|1)$/i.test(value) ? "true" : "false";
}

/** Gateways, ranges and further addresses belong to the subnet that holds them. */
function matchSubnets(request: CreateNetworkRequest, fail: Fail): readonly Subnet[] {
  const subnets = (request.subnets ?? []).map((text) => wholeSubnet(text, "subnet", fail));
  if (
    subnets.some((subnet, at) => subnets.some((other, to) => to < at && version(other) === version(subnet)))
  )
    return fail("it can have one subnet of each IP version");
  const address = (text: string, word: string): string =>
    parsed(text, canonicalAddress, (value) => fail(`invalid ${word} ${value}: it is no IP address`));
  const gateways = (request.gateways ?? []).map((text) => address(text, "gateway"));
  const ranges = (request.ipRanges ?? []).map((text) => wholeSubnet(text, "ip-range", fail));
  const others = Object.entries(request.auxAddresses ?? {}).map(
    ([name, text]) => [name, address(text, "auxiliary address")] as const,
  );
  const isHome = (test: (subnet: string) => boolean): boolean => subnets.some(test);
  for (const gateway of gateways)
    if (!isHome((subnet) => containsAddress(subnet, gateway)))
      return fail(`no matching subnet for gateway ${gateway}`);
  for (const range of ranges)
    if (!isHome((subnet) => containsSubnet(subnet, range)))
      return fail(`no matching subnet for range ${range}`);
  for (const [, other] of others)
    if (!isHome((subnet) => containsAddress(subnet, other)))
      return fail(`no matching subnet for aux-address ${other}`);
  return subnets.map((subnet) => settleSubnet(subnet, { gateways, ranges, others }, fail));
}

function settleSubnet(
  subnet: string,
  given: {
    readonly gateways: readonly string[];
    readonly ranges: readonly string[];
    readonly others: readonly (readonly [string, string])[];
  },
  fail: Fail,
): Subnet {
  const gateways = given.gateways.filter((one) => containsAddress(subnet, one));
  const ranges = given.ranges.filter((one) => containsSubnet(subnet, one));
  const others = given.others.filter(([, one]) => containsAddress(subnet, one));
  if (gateways.length > 1) return fail(`subnet ${subnet} can have one gateway`);
  if (ranges.length > 1) return fail(`subnet ${subnet} can have one range`);
  const [gateway = firstAddress(subnet)] = gateways;
  if (!isUsable(subnet, gateway)) return fail(`gateway ${gateway} is no address of a host in ${subnet}`);
  const clash = others.find(([, one]) => one === gateway);
  if (clash !== undefined) return fail(`aux-address ${clash[0]} is the gateway's address ${gateway}`);
  return {
    subnet,
    gateway,
    ...(ranges[0] === undefined ? {} : { ipRange: ranges[0] }),
    ...(others.length === 0 ? {} : { auxAddresses: Object.fromEntries(others) }),
  };
}

/** An address with bits behind the prefix is a slip of the pen, as docker has it. */
function wholeSubnet(text: string, word: string, fail: Fail): string {
  const subnet = parsed(text, canonicalSubnet, (value) =>
    fail(`invalid ${word} ${value}: want ADDRESS/PREFIX`),
  );
  const [address = ""] = text.split("/");
  if (!subnet.startsWith(`${canonicalAddress(address)}/`))
    return fail(`invalid ${word} ${text}: it should be ${subnet}`);
  return subnet;
}

function version(subnet: string): 4 | 6 {
  return subnet.includes(":") ? 6 : 4;
}

function parsed(text: string, parse: (text: string) => string, fail: (text: string) => never): string {
  try {
    return parse(text);
  } catch {
    return fail(text);
  }
}
