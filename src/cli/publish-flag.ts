import { LighterError } from "#base";
import type { PortMapping } from "#runtime";

const pattern =
  /^(?:(?:\[(?<ipv6>[0-9a-fA-F:.]+)\]|(?<ipv4>\d+\.\d+\.\d+\.\d+)):)?(?:(?<host>\d+(?:-\d+)?)?:)?(?<container>\d+(?:-\d+)?)(?:\/(?<protocol>[A-Za-z]+))?$/;

/**
 * `-p` as docker takes it: `80`, `8080:80`, `127.0.0.1:8080:80/udp`, `[::1]::80` (a free port, as for 0), ranges `8000-8003:80-83`,
 * `target=80,published=8080`.
 * @throws PORT_INVALID
 */
export function parsePublish(text: string): readonly PortMapping[] {
  const fail = (why: string): never => {
    throw new LighterError("PORT_INVALID", `cannot publish port "${text}": ${why}`);
  };
  const groups = pattern.exec(text.includes("=") ? shortForm(text, fail) : text)?.groups;
  if (groups === undefined) return fail("want [IP:][HOST:]PORT[/tcp|/udp|/sctp]");
  const protocol = (groups["protocol"] ?? "tcp").toLowerCase();
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp")
    return fail(`protocol "${protocol}" is not tcp, udp or sctp`);
  const container = portRange(groups["container"] ?? "", fail);
  const host =
    groups["host"] === undefined || groups["host"] === "0" ? undefined : portRange(groups["host"], fail);
  const hostAddress = groups["ipv6"] ?? groups["ipv4"];
  const [firstHost, firstContainer] = [host?.[0], container[0]];
  // One port of the container takes the first free port of the range.
  if (host !== undefined && host.length > 1 && container.length === 1 && firstHost !== undefined)
    return [
      {
        ...(hostAddress !== undefined && { hostAddress }),
        hostPort: firstHost,
        hostPortLast: firstHost + host.length - 1,
        containerPort: firstContainer ?? 0,
        protocol,
      },
    ];
  if (host !== undefined && host.length !== container.length)
    return fail(`the ranges differ in length (${host.length} and ${container.length} ports)`);
  return container.map((containerPort, index) => {
    const hostPort = host?.[index];
    return {
      ...(hostAddress !== undefined && { hostAddress }),
      ...(hostPort !== undefined && { hostPort }),
      containerPort,
      protocol,
    };
  });
}

/** Docker's long form: `target=80,published=8080,protocol=udp`; a mode is for swarms and changes nothing. */
function shortForm(text: string, fail: (why: string) => never): string {
  const fields = new Map(
    text.split(",").map((field): [string, string] => {
      const [name = "", value = ""] = field.split("=", 2);
      if (!["target", "published", "protocol", "mode"].includes(name) || value === "")
        fail(`field "${field}" is none of target=, published=, protocol= and mode=`);
      return [name, value];
    }),
  );
  const published = fields.get("published");
  const host = published === undefined ? "" : `${published}:`;
  return `${host}${fields.get("target") ?? ""}/${fields.get("protocol") ?? "tcp"}`;
}

function portRange(text: string, fail: (why: string) => never): readonly number[] {
  const [first = 0, last = first] = text.split("-").map(Number);
  if (first < 1 || last > 65_535) return fail(`"${text}" is not between 1 and 65535`);
  if (last < first) return fail(`the range "${text}" runs backwards`);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
