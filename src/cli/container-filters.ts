import { LighterError } from "#base";
import type { ContainerRecord } from "#container";
import { portsOf } from "./container-ports.ts";
import { type Filter, matchesFilters, parseFilters } from "./filters.ts";

const names =
  "id name label status exited health ancestor network volume before since publish expose is-task isolation".split(
    " ",
  );

/** Docker's filters of `ps`. @throws ARGUMENT_INVALID */
export function parseContainerFilters(words: readonly string[]): readonly Filter[] {
  const filters = parseFilters(words, names);
  for (const { name, value } of filters) {
    const isMeant = meant[name]?.test(value) ?? true;
    if (!isMeant)
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot filter by "${name}=${value}": no ${name} is "${value}"`,
      );
  }
  return filters;
}

const portPattern = /^\d{1,5}(?:-\d{1,5})?(?:\/\w+)?$/;

/** What the values of a filter can be, where not anything. */
const meant: Readonly<Record<string, RegExp>> = {
  status: /^(?:created|running|paused|restarting|removing|exited|dead)$/,
  exited: /^-?\d+$/,
  "is-task": /^(?:true|false|0|1)$/,
  publish: portPattern,
  expose: portPattern,
  health: /^(?:starting|healthy|unhealthy|none)$/,
};

/** What filters look names up in. */
interface Scene {
  readonly all: readonly ContainerRecord[];
  /** The ID that an image's name stands for. */
  readonly idOf: (name: string) => string | undefined;
}

/** @throws CONTAINER_NOT_FOUND when `before` or `since` name none */
export function matchesContainer(
  container: ContainerRecord,
  filters: readonly Filter[],
  { all, idOf }: Scene,
): boolean {
  return matchesFilters(filters, ({ name, value }) => {
    switch (name) {
      case "id":
        return container.id.startsWith(value);
      case "name":
        return nameMatches(container.name, value);
      case "label":
        return labelMatches(container.labels, value);
      case "status":
        return container.state.status === value;
      case "exited":
        return container.state.status === "exited" && container.state.exitCode === Number(value);
      case "health":
        return (container.state.health?.status ?? "none") === value;
      case "ancestor":
        return imageMatches(container.image, value) || idOf(value) === container.image.id;
      case "network":
        return networkNames(container).includes(value);
      case "volume":
        return container.mounts.some(
          (mount) =>
            mount.destination === value ||
            (mount.type === "volume" && mount.name === value) ||
            (mount.type === "bind" && mount.source === value),
        );
      case "before":
        return container.created < find(all, value).created;
      case "since":
        return container.created > find(all, value).created;
      case "publish":
        return portsOf(container).some(({ hostPort, protocol }) =>
          portMatches({ port: hostPort, protocol }, value),
        );
      case "expose":
        return portsOf(container).some(({ containerPort: port, protocol }) =>
          portMatches({ port, protocol }, value),
        );
      case "isolation": // of Windows: here there is one
        return true;
      default:
        return value === "false" || value === "0"; // is-task: lighter has no swarm
    }
  });
}

/** A regular expression, as docker takes it; a text that is none is looked for as it stands. */
function nameMatches(name: string, wanted: string): boolean {
  try {
    return new RegExp(wanted).test(name) || new RegExp(wanted).test(`/${name}`);
  } catch {
    return name.includes(wanted);
  }
}

function labelMatches(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  const name = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, name) && (equals < 0 || labels[name] === wanted.slice(equals + 1));
}

function imageMatches({ id, name }: ContainerRecord["image"], wanted: string): boolean {
  const plain = (text: string): string => text.replace(/:latest$/, "");
  return plain(name) === plain(wanted) || id === wanted || id.replace("sha256:", "").startsWith(wanted);
}

function networkNames({ network }: ContainerRecord): readonly string[] {
  return [
    network.name,
    ...(network.endpoints ?? []).flatMap((endpoint) => [endpoint.network, endpoint.networkId]),
  ];
}

/** A port or a range of them, `8000-8010/udp`. */
function portMatches(
  { port = 0, protocol }: { port: number | undefined; protocol: string },
  wanted: string,
): boolean {
  const [numbers = "", wantedProtocol = "tcp"] = wanted.split("/");
  const [first = 0, last = first] = numbers.split("-").map(Number);
  return protocol === wantedProtocol && port >= first && port <= last;
}

function find(all: readonly ContainerRecord[], text: string): ContainerRecord {
  const found = all.find(({ id, name }) => name === text || id.startsWith(text));
  if (found !== undefined) return found;
  throw new LighterError(
    "CONTAINER_NOT_FOUND",
    `cannot find container "${text}": there is none of that name or ID`,
  );
}
