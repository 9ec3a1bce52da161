import { LighterError } from "#base";
import type { EndpointRequest } from "#runtime";

/** Docker's options of an endpoint (`--driver-opt`). */
const names = {
  interface: "com.docker.network.endpoint.ifname",
  settings: "com.docker.network.endpoint.sysctls",
} as const;

/** What the options of an endpoint ask for. */
export interface EndpointOptions {
  /** The name of the interface inside the container; undefined leaves it to the engine. */
  readonly interface?: string;
  /** Settings of the interface: the path below /proc/sys with `IFNAME` for its name, and the value. */
  readonly settings: readonly (readonly [path: string, value: string])[];
}

const interfacePattern = /^[^\s/:]{1,15}$/;
const settingPattern = /^net\.(ipv4|ipv6|mpls)\.([a-z0-9_]+)\.IFNAME\.([a-z0-9_]+)=(.*)$/s;

/** @throws NETWORK_INVALID */
export function readEndpointOptions(
  network: string,
  { driverOptions = {} }: EndpointRequest,
): EndpointOptions {
  const fail = (state: string): never => {
    throw new LighterError("NETWORK_INVALID", `cannot join network "${network}": ${state}`, {
      details: { network },
    });
  };
  const known: readonly string[] = Object.values(names);
  const wrong = Object.keys(driverOptions).find((name) => !known.includes(name));
  if (wrong !== undefined) fail(`an endpoint has no option "${wrong}"; it knows ${known.join(", ")}`);
  const wanted = driverOptions[names.interface];
  if (
    wanted !== undefined &&
    (!interfacePattern.test(wanted) || [".", "..", "lo", "all", "default"].includes(wanted))
  )
    fail(`an interface cannot be called "${wanted}"`);
  const settings = (driverOptions[names.settings]?.split(",") ?? []).map((text) => {
    const [, family, kind, setting, value = ""] = settingPattern.exec(text) ?? [];
    if (family === undefined)
      fail(
        `unrecognised network interface sysctl "${text}"; want net.X.Y.IFNAME.Z=VALUE, where X is ipv4, ipv6 or mpls`,
      );
    return [`net/${family}/${kind}/IFNAME/${setting}`, value] as const;
  });
  return { ...(wanted === undefined ? {} : { interface: wanted }), settings };
}
