import { isIPv4, isIPv6 } from "node:net";

/** A host with its port apart: `[::1]:5000` is `::1` and 5000. */
export function splitHost(text: string): { readonly name: string; readonly port: number | undefined } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text);
  if (match === null) return { name: text, port: undefined };
  return {
    name: (match[1] ?? match[2] ?? "").toLowerCase(),
    port: match[3] === undefined ? undefined : Number(match[3]),
  };
}

/** Whether an address lies in a network such as `127.0.0.0/8`. */
export function isInNetwork(address: string, network: string): boolean {
  const [base = "", bits = ""] = network.split("/");
  if (!isIPv4(address) || !isIPv4(base) || !/^\d+$/.test(bits)) return false;
  const shift = 32 - Number(bits);
  return shift >= 32 || numberOf(address) >>> shift === numberOf(base) >>> shift;
}

function numberOf(address: string): number {
  return address.split(".").reduce((value, part) => value * 256 + Number(part), 0);
}

/** Whether one of the rules (`host`, `host:port`, address, CIDR) means this registry. */
export function matchesHost(registry: string, rules: readonly string[]): boolean {
  const { name, port } = splitHost(registry);
  return rules.some((rule) => {
    if (rule.includes("/")) return isInNetwork(name, rule);
    const wanted = isIPv6(rule) ? { name: rule, port: undefined } : splitHost(rule);
    return wanted.name === name && (wanted.port === undefined || wanted.port === port);
  });
}
