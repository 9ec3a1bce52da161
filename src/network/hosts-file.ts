import { readFileSync } from "node:fs";
import { systemErrorCode } from "#base";

/** A name that the user gave an address. */
export interface ExtraHost {
  readonly name: string;
  readonly address: string;
}

const loopback = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** /etc/hosts of a container, as docker writes it: loopback names, the user's own, then the container's address. */
export function renderHosts(options: {
  readonly extraHosts: readonly ExtraHost[];
  readonly gateway?: string;
  readonly own?: readonly ExtraHost[];
}): string {
  const own = (options.own ?? []).map(({ address, name }) => `${address}\t${name}\n`).join("");
  return loopback + renderExtraHosts(options.extraHosts, options.gateway) + own;
}

/** The names of a container in its own line: the whole one, and where that has a domain the one before the first dot. */
export function ownNames({
  hostname,
  domainname,
}: {
  readonly hostname: string;
  readonly domainname?: string;
}): string {
  const whole = domainname ? `${hostname}.${domainname}` : hostname;
  const [short = ""] = whole.split(".", 1);
  return short === whole || short === "" ? whole : `${whole} ${short}`;
}

/** A container's own lines, one for each address of its endpoints. */
export function ownHosts(
  endpoints: readonly { readonly address?: string; readonly address6?: string }[],
  names: Parameters<typeof ownNames>[0],
): readonly ExtraHost[] {
  return endpoints
    .flatMap(({ address, address6 }) => [address, address6])
    .flatMap((address) => (address === undefined ? [] : [{ address, name: ownNames(names) }]));
}

/** Lines for the user's names; `host-gateway` is replaced by the gateway, and left out where there is none. */
export function renderExtraHosts(extraHosts: readonly ExtraHost[], gateway: string | undefined): string {
  return extraHosts
    .map(({ name, address }) => ({ name, address: address === "host-gateway" ? gateway : address }))
    .filter(({ address }) => address !== undefined)
    .map(({ name, address }) => `${address}\t${name}\n`)
    .join("");
}

/** The host's own /etc/hosts; loopback names where it has none. */
export function hostHosts(): string {
  try {
    return readFileSync("/etc/hosts", "utf8").replace(/([^\n])$/, "$1\n");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return loopback;
    throw error;
  }
}
