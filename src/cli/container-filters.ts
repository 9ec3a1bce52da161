import { LighterError } from "#base";
import type { ContainerRecord } from "#container";
import { type Filter, matchesFilters, parseFilters } from "./filters.ts";

const names =
  "id name label status exited health ancestor network volume before since publish expose is-task".split(" ");

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

/** What the values of a filter can be, where not anything. */
const meant: Readonly<Record<string, RegExp>> = {
  status: /^(?:created|running|paused|restarting|removing|exited|dead)$/,
  exited: /^-?\d+$/,
  health: /^(?:starting|healthy|unhealthy|none)$/,
};

/** `all` is what `before` and `since` look their container up in. @throws CONTAINER_NOT_FOUND */
export function matchesContainer(
  container: ContainerRecord,
  filters: readonly Filter[],
  all: readonly ContainerRecord[],
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
        return imageMatches(container.image, value);
      case "network":
        return networkNames(container).includes(value);
      case "volume":
        return container.mounts.some(
          (mount) => mount.destination === value || (mount.type === "volume" && mount.name === value),
        );
      case "before":
        return container.created < find(all, value).created;
      case "since":
        return container.created > find(all, value).created;
      case "publish":
        return container.network.ports.some((port) => portMatches(port, value));
      case "expose":
        return container.exposedPorts.includes(value.includes("/") ? value : `${value}/tcp`);
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

function portMatches(port: ContainerRecord["network"]["ports"][number], wanted: string): boolean {
  const [number, protocol = "tcp"] = wanted.split("/");
  return port.protocol === protocol && [port.hostPort, port.containerPort].includes(Number(number));
}

function find(all: readonly ContainerRecord[], text: string): ContainerRecord {
  const found = all.find(({ id, name }) => name === text || id.startsWith(text));
  if (found !== undefined) return found;
  throw new LighterError(
    "CONTAINER_NOT_FOUND",
    `cannot find container "${text}": there is none of that name or ID`,
  );
}
