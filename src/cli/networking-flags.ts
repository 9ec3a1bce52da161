import { LighterError } from "#base";
import type { ContainerOptions } from "#container";
import type { Flags, FlagValues } from "./command.ts";
import { parseEgressFlag } from "./egress-flag.ts";
import { keyValues } from "./key-values.ts";

type Networking = NonNullable<ContainerOptions["networking"]>;
type Endpoint = NonNullable<Networking["endpoint"]>;

/** How a container stands in its networks. */
export const networkingFlags = {
  dns: { kind: "list", value: "ADDRESS", summary: "Name server to ask instead of the host's" },
  "dns-option": {
    kind: "list",
    value: "OPTION",
    summary: "Option of /etc/resolv.conf",
    formerly: ["dns-opt"],
  },
  "dns-search": { kind: "list", value: "DOMAIN", summary: "Domain to look names up in" },
  egress: {
    kind: "list",
    value: "allow=HOST[:PORT],…",
    summary: "Let the container reach nothing else; lighter network log shows what was refused",
  },
  ip: { kind: "string", value: "ADDRESS", summary: "Address on a network whose subnet you chose" },
  ip6: { kind: "string", value: "ADDRESS", summary: "IPv6 address on a network whose subnet you chose" },
  link: { kind: "list", value: "CONTAINER[:ALIAS]", summary: "Give another container a name in this one" },
  "link-local-ip": {
    kind: "list",
    value: "ADDRESS",
    summary: "Further address of the interface, link-local",
  },
  "mac-address": { kind: "string", value: "MAC", summary: "Machine address of the interface" },
  "network-alias": {
    kind: "list",
    value: "NAME",
    summary: "Further name of the container on its network",
    formerly: ["net-alias"],
  },
} as const satisfies Flags;

type Values = FlagValues<typeof networkingFlags> & { readonly network: readonly string[] };

/** The options that the flags ask for. @throws USAGE, NETWORK_INVALID */
export function networkingOptions(flags: Values): Pick<ContainerOptions, "network" | "networking"> {
  const [first, ...others] = flags.network.map(parseNetwork);
  const endpoint = withoutEmpty({ ...first?.endpoint, ...endpointFlags(flags, first?.endpoint.aliases) });
  checkEndpoint(first?.name ?? "bridge", endpoint);
  for (const one of others) checkEndpoint(one.name, one.endpoint);
  if (flags["dns-search"].includes(""))
    throw new LighterError("USAGE", "cannot search names in a domain without a name; . searches in none");
  if (
    flags["mac-address"] !== undefined &&
    !/^[\da-fA-F]{2}([:-][\da-fA-F]{2}){5}$/.test(flags["mac-address"])
  )
    throw new LighterError(
      "USAGE",
      `cannot use MAC address "${flags["mac-address"]}": want 02:42:ac:11:00:02 or the like`,
    );
  const wrong = flags.link.find((text) => !/^[^:]+(:[^:]+)?$/.test(text));
  if (wrong !== undefined) throw new LighterError("USAGE", `cannot link "${wrong}": want CONTAINER[:ALIAS]`);
  const dns = withoutEmpty({
    servers: flags.dns,
    search: flags["dns-search"],
    options: flags["dns-option"],
  });
  const networking: Networking = {
    ...(Object.keys(endpoint).length > 0 && { endpoint }),
    ...(others.length > 0 && {
      otherNetworks: others.map((one) => ({ network: one.name, ...one.endpoint })),
    }),
    ...(Object.keys(dns).length > 0 && { dns }),
    ...(flags.egress.length > 0 && { egress: flags.egress.flatMap(parseEgressFlag) }),
  };
  return {
    ...(first !== undefined && { network: first.name }),
    ...(Object.keys(networking).length > 0 && { networking }),
  };
}

/** Flags speak of the first network, as docker's do. */
function endpointFlags(flags: Values, aliases: readonly string[] = []): Endpoint {
  return withoutEmpty({
    address: flags.ip,
    address6: flags.ip6,
    mac: flags["mac-address"],
    aliases: [...aliases, ...flags["network-alias"]],
    links: flags.link,
    linkLocalAddresses: flags["link-local-ip"],
  });
}

/** What the default networks have not, as docker says before it makes a container. @throws USAGE */
function checkEndpoint(network: string, { address, address6, aliases = [] }: Endpoint): void {
  const isBuiltIn = ["bridge", "default", "host", "none"].includes(network);
  if (!isBuiltIn || (address === undefined && address6 === undefined && aliases.length === 0)) return;
  const flag = aliases.length > 0 ? "--network-alias" : address === undefined ? "--ip6" : "--ip";
  throw new LighterError(
    "USAGE",
    `cannot use ${flag} on network "${network}": names and addresses of one's own are for networks that you made; see lighter network create`,
  );
}

/** A name, or docker's long form: `name=NAME,ip=…,…`. @throws USAGE */
function parseNetwork(text: string): { readonly name: string; readonly endpoint: Endpoint } {
  if (!text.includes("=")) return { name: text, endpoint: {} };
  const fields = splitFields(text).map((field) => {
    const at = field.indexOf("=");
    return [field.slice(0, at), field.slice(at + 1)] as const;
  });
  const known = ["name", "ip", "ip6", "alias", "mac-address", "link-local-ip", "driver-opt", "gw-priority"];
  const wrong = fields.find(([field]) => !known.includes(field));
  if (wrong !== undefined)
    throw new LighterError(
      "USAGE",
      `cannot use --network "${text}": it has no field "${wrong[0]}"; there are ${known.join(", ")}`,
    );
  const valueOf = (name: string): string | undefined => fields.find(([field]) => field === name)?.[1];
  const name = valueOf("name");
  if (name === undefined) throw new LighterError("USAGE", `cannot use --network "${text}": name= is missing`);
  const valuesOf = (wanted: string): readonly string[] =>
    fields.flatMap(([field, value]) => (field === wanted ? [value] : []));
  const priority = valueOf("gw-priority");
  const endpoint = withoutEmpty({
    address: valueOf("ip"),
    address6: valueOf("ip6"),
    mac: valueOf("mac-address"),
    aliases: valuesOf("alias"),
    linkLocalAddresses: valuesOf("link-local-ip"),
    driverOptions: driverOptions(valuesOf("driver-opt")),
    gatewayPriority: priority === undefined ? undefined : gatewayPriority(priority),
  });
  return { name, endpoint };
}

/** Fields of a line of CSV: one in quotation marks may hold commas. */
function splitFields(text: string): readonly string[] {
  const fields = text.match(/(?<=^|,)(?:"(?:[^"]|"")*"|[^,]*)(?=,|$)/g) ?? [];
  return fields.map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field));
}

/** `--driver-opt NAME=VALUE`; undefined when there is none. @throws USAGE */
export function driverOptions(words: readonly string[]): Readonly<Record<string, string>> | undefined {
  const wrong = words.find((word) => !/^[^=]+=/.test(word));
  if (wrong !== undefined)
    throw new LighterError("USAGE", `cannot use driver option "${wrong}": want NAME=VALUE`);
  return words.length === 0 ? undefined : keyValues(words);
}

/** @throws USAGE */
function gatewayPriority(text: string): number {
  if (/^[+-]?\d{1,9}$/.test(text)) return Number(text);
  throw new LighterError("USAGE", `cannot use gw-priority "${text}": it is no whole number`);
}

/** Without what was not given. */
export function withoutEmpty<T extends object>(
  object: T,
): { readonly [Name in keyof T]?: NonNullable<T[Name]> } {
  const given = Object.entries(object).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(given) as { readonly [Name in keyof T]?: NonNullable<T[Name]> };
}
