import { LighterError } from "#base";
import { matchesHost } from "./http/address.ts";
import { loopback, type RegistryOptions } from "./options.ts";

/** One address under which a registry may be asked. */
export interface Endpoint {
  /** Host whose credentials and certificates are used. */
  readonly host: string;
  /** Ends with `/v2/`. */
  readonly url: URL;
  readonly verify: boolean;
  /** Asked for what is read only; where it has nothing, the registry itself is asked. */
  readonly isMirror: boolean;
}

/** Docker's own registry answers under another name than its images carry. */
const apiHosts: Readonly<Record<string, string>> = { "docker.io": "registry-1.docker.io" };

/** Where a registry is asked, in order: mirrors, then itself; one that is insecure with and without TLS. */
export function endpointsOf(
  registry: string,
  options: Pick<RegistryOptions, "mirrors" | "insecure">,
  access: "pull" | "push",
): readonly Endpoint[] {
  const rules = options.insecure ?? loopback;
  const mirrors = access === "pull" ? (options.mirrors?.[registry] ?? []) : [];
  return [...mirrors.flatMap((mirror) => mirrorEndpoints(mirror, rules)), ...ownEndpoints(registry, rules)];
}

function ownEndpoints(registry: string, rules: readonly string[]): readonly Endpoint[] {
  const isInsecure = matchesHost(registry, rules);
  return schemes(isInsecure).map((scheme) => ({
    host: registry,
    url: new URL(`${scheme}://${apiHosts[registry] ?? registry}/v2/`),
    verify: !isInsecure,
    isMirror: false,
  }));
}

function mirrorEndpoints(mirror: string, rules: readonly string[]): readonly Endpoint[] {
  const match = /^(?:(https?):\/\/)?([^/]+)(\/.*?)?\/*$/.exec(mirror);
  if (match === null)
    throw new LighterError("ARGUMENT_INVALID", `cannot use mirror "${mirror}": want https://host/path`);
  const [, scheme, host = "", path = ""] = match;
  const isInsecure = matchesHost(host, rules);
  const asked = scheme === undefined ? schemes(isInsecure) : [scheme];
  return asked.map((each) => ({
    host,
    url: new URL(`${each}://${host}${path}/v2/`),
    verify: !isInsecure,
    isMirror: true,
  }));
}

function schemes(isInsecure: boolean): readonly string[] {
  return isInsecure ? ["https", "http"] : ["https"];
}
