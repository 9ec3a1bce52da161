import { LighterError } from "#base";
import type { ContainerOptions } from "#container";
import type { Flags, FlagValues } from "./command.ts";
import { parseEgressFlag } from "./egress-flag.ts";

type Networking = NonNullable<ContainerOptions["networking"]>;
type Endpoint = NonNullable<Networking["endpoint"]>;

/** How a container stands in its networks. */
export const networkingFlags = {
  dns: { kind: "list", value: "ADDRESS", summary: "Name server to ask instead of the host's" },
  "dns-option": { kind: "list", value: "OPTION", summary: "Option of /etc/resolv.conf" },
  "dns-search": { kind: "list", value: "DOMAIN", summary: "Domain to look names up in" },
  egress: {
    kind: "list",
    value: "allow=HOST[:PORT],…",
    summary: "Let the container reach nothing else; lighter network log shows what was refused",
  },
  ip: { kind: "string", value: "ADDRESS", summary: "Address on a network whose subnet you chose" },
  ip6: { kind: "string", value: "ADDRESS", summary: "IPv6 address on a network whose subnet you chose" },
  link: { kind: "list", value: "CONTAINER[:ALIAS]", summary: "Give another container a name in this one" },
  "mac-address": { kind: "string", value: "MAC", summary: "Machine address of the interface" },
  "network-alias": { kind: "list", value: "NAME", summary: "Further name of the container on its network" },
} as const satisfies Flags;

type Values = FlagValues<typeof networkingFlags> & { readonly network: readonly string[] };

/** The options that the flags ask for. @throws USAGE, NETWORK_INVALID */
export function networkingOptions(flags: Values): Pick<ContainerOptions, "network" | "networking"> {
  const [first, ...others] = flags.network.map(parseNetwork);
  const endpoint = withoutEmpty({ ...first?.endpoint, ...endpointFlags(flags, first?.endpoint.aliases) });
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
  });
}

/** A name, or docker's long form `name=NAME,ip=…,ip6=…,alias=…,mac-address=…`. @throws USAGE */
function parseNetwork(text: string): { readonly name: string; readonly endpoint: Endpoint } {
  if (!text.includes("=")) return { name: text, endpoint: {} };
  const fields = text.split(",").map((field) => {
    const at = field.indexOf("=");
    return [field.slice(0, at), field.slice(at + 1)] as const;
  });
  const known = ["name", "ip", "ip6", "alias", "mac-address"];
  const wrong = fields.find(([field]) => !known.includes(field));
  if (wrong !== undefined)
    throw new LighterError(
      "USAGE",
      `cannot use --network "${text}": it has no field "${wrong[0]}"; there are ${known.join(", ")}`,
    );
  const valueOf = (name: string): string | undefined => fields.find(([field]) => field === name)?.[1];
  const name = valueOf("name");
  if (name === undefined) throw new LighterError("USAGE", `cannot use --network "${text}": name= is missing`);
  const endpoint = withoutEmpty({
    address: valueOf("ip"),
    address6: valueOf("ip6"),
    mac: valueOf("mac-address"),
    aliases: fields.filter(([field]) => field === "alias").map(([, value]) => value),
  });
  return { name, endpoint };
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
