import { hostname as hostName } from "node:os";
import { posix } from "node:path";
import { LighterError } from "#base";
import type { PortMapping } from "#runtime";
import { checkNameServers, checkSysctls } from "./check-limits.ts";
import { checkNetworkMode } from "./check-network-mode.ts";
import { checkName } from "./container-name.ts";
import type { HealthSettings, LogSettings, StoredContainer } from "./container-record.ts";
import { parseDeviceRule } from "./device-limits.ts";
import { parseExtraHost } from "./extra-host.ts";
import type { MountPoint } from "./mount-point.ts";
import { parseMounts } from "./mount-words.ts";
import { processSettings } from "./process-settings.ts";
import type { RunRequest } from "./run-request.ts";
import { signalNumber } from "./signals.ts";

/** A container as far as the request and the image decide it. */
export type Description = Omit<StoredContainer, "id" | "name" | "hostname" | "snapshot">;

const defaultStopSeconds = 10;

/**
 * Checks a request and settles every default.
 * @param inherited mounts of other containers; what is asked for goes before them, and they before the image's volumes
 * @throws CONTAINER_INVALID, PORT_INVALID
 */
export function describeContainer(request: RunRequest, inherited: readonly MountPoint[] = []): Description {
  const image = request.image.config.config ?? {};
  if (request.name !== undefined) checkName(request.name);
  for (const text of request.extraHosts ?? []) parseExtraHost(text);
  checkNetworkMode(request);
  checkNameServers(request.networking?.dns?.servers ?? []);
  checkSysctls(request.sysctls ?? {}, { network: request.network === "host", ipc: request.ipc === "host" });
  const stopSignal = request.stopSignal ?? image.StopSignal ?? "SIGTERM";
  signalNumber(stopSignal);
  const exposedPorts = exposedBy(request, Object.keys(image.ExposedPorts ?? {}));
  const { health, idleHealth } = healthOf(request, image.Healthcheck);
  return {
    version: 2,
    image: { id: request.image.id, name: request.imageName },
    created: new Date().toISOString(),
    process: processSettings(image, request),
    network: {
      name: request.network ?? "bridge",
      ports: [...(request.ports ?? []), ...publishedAll(request, exposedPorts)],
      extraHosts: request.extraHosts ?? [],
      ...(request.networking === undefined ? {} : { networking: request.networking }),
    },
    mounts: mountsOf(request, inherited, Object.keys(image.Volumes ?? {})),
    readOnly: request.readOnly ?? false,
    tty: request.tty ?? false,
    input: inputOf(request),
    remove: request.remove ?? false,
    labels: { ...image.Labels, ...request.labels },
    stopSignal,
    stopTimeoutSeconds: request.stopTimeoutSeconds ?? defaultStopSeconds,
    restart: restartOf(request),
    log: logOf(request.log ?? {}),
    limits: request.limits ?? {},
    security: {
      privileged: request.privileged ?? false,
      capAdd: request.capAdd ?? [],
      capDrop: request.capDrop ?? [],
      options: request.securityOptions ?? [],
    },
    ...(health === undefined ? {} : { health }),
    ...(idleHealth === undefined ? {} : { idleHealth }),
    init: request.init ?? false,
    namespaces: namespacesOf(request),
    groupAdd: request.groupAdd ?? [],
    sysctls: request.sysctls ?? {},
    annotations: request.annotations ?? {},
    devices: request.devices ?? [],
    ...deviceRulesOf(request),
    ...cgroupParentOf(request),
    ...(request.domainname === undefined ? {} : { domainname: request.domainname }),
    ...runtimeOf(request),
    ...(request.attach === undefined ? {} : { attach: request.attach }),
    exposedPorts,
    ...(request.volumesFrom === undefined ? {} : { volumesFrom: request.volumesFrom }),
    ...(request.publishAll === true ? { publishAll: true } : {}),
  };
}

function namespacesOf(request: RunRequest): StoredContainer["namespaces"] {
  const { pid = "", ipc = "", uts = "", cgroupns } = request;
  if (cgroupns !== undefined && cgroupns !== "host" && cgroupns !== "private")
    throw new LighterError("CONTAINER_INVALID", `cannot use --cgroupns "${cgroupns}": want host or private`);
  return {
    pid,
    ipc,
    uts,
    ...(cgroupns === undefined ? {} : { cgroup: cgroupns }),
    ...userNamespaceOf(request),
  };
}

function userNamespaceOf(request: RunRequest): Pick<StoredContainer["namespaces"], "user"> {
  const { userns: user } = request;
  if (user === undefined || user === "") return {};
  if (user !== "host" && user !== "auto")
    throw new LighterError("CONTAINER_INVALID", `cannot use --userns "${user}": want host or auto`);
  if (user === "auto") refuseSharing(request);
  return { user };
}

/** What belongs to the host's users, or to those of another container, cannot be had with users of one's own. */
function refuseSharing({ privileged, network, pid, ipc, runtime }: RunRequest): void {
  const shared = [
    privileged === true ? "--privileged" : "",
    network === "host" || network?.startsWith("container:") === true ? `--network ${network}` : "",
    pid === undefined || pid === "" ? "" : `--pid ${pid}`,
    ipc === "host" || ipc?.startsWith("container:") === true ? `--ipc ${ipc}` : "",
    runtime === "runc" ? "--runtime runc" : "",
  ].find((text) => text !== "");
  if (shared === undefined) return;
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot use ${shared} with --userns auto: the container has user IDs of its own; leave one of them out`,
  );
}

function deviceRulesOf({ deviceCgroupRules }: RunRequest): Pick<StoredContainer, "deviceCgroupRules"> {
  if (deviceCgroupRules === undefined) return {};
  for (const text of deviceCgroupRules) parseDeviceRule(text);
  return { deviceCgroupRules };
}

/** A name without a slash is below the root as well: there is no daemon's cgroup that it could be relative to. */
function cgroupParentOf({ cgroupParent }: RunRequest): Pick<StoredContainer, "cgroupParent"> {
  if (cgroupParent === undefined || cgroupParent === "") return {};
  if (cgroupParent.endsWith(".slice") || cgroupParent.split("/").includes(".."))
    throw new LighterError(
      "CONTAINER_INVALID",
      `cannot use cgroup parent "${cgroupParent}": want a path below /sys/fs/cgroup, as /batch/night; slices are systemd's own`,
    );
  return { cgroupParent: posix.resolve("/", cgroupParent) };
}

function runtimeOf({ runtime }: RunRequest): Pick<StoredContainer, "runtime"> {
  if (runtime === undefined) return {};
  if (runtime === "crun" || runtime === "runc") return { runtime };
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot use runtime "${runtime}": lighter drives crun and runc`,
  );
}

/** On the host's network a container has the host's name, as docker does. */
export function hostnameOf(request: RunRequest, id: string): string {
  return (
    request.hostname ?? (request.network === "host" || request.uts === "host" ? hostName() : id.slice(0, 12))
  );
}

/** An image's volumes are anonymous ones, where nothing else was asked for at their place. */
function mountsOf(
  request: RunRequest,
  inherited: readonly MountPoint[],
  imageVolumes: readonly string[],
): readonly MountPoint[] {
  const all = [...parseMounts(request), ...inherited, ...parseMounts({ volumes: imageVolumes })];
  return [
    ...new Map(all.toReversed().map((mount): [string, MountPoint] => [mount.destination, mount])).values(),
  ].toReversed();
}

/** A detached container's input stays open for those who attach later. */
function inputOf({ interactive = false, stdio, attach }: RunRequest): StoredContainer["input"] {
  if (!interactive) return "none";
  return stdio === "none" || attach?.includes("stdin") === false ? "open" : "once";
}

function restartOf({ restart, remove }: RunRequest): StoredContainer["restart"] {
  if (restart === undefined) return { name: "no", maximumRetryCount: 0 };
  if (remove === true && restart.name !== "no")
    throw new LighterError(
      "CONTAINER_INVALID",
      "cannot restart a container that is removed when it ends; leave --rm or --restart out",
    );
  return restart;
}

function logOf(log: Partial<LogSettings>): LogSettings {
  return { driver: "json-file", maxBytes: 0, maxFiles: 1, options: {}, ...log };
}

function healthOf(
  { health }: RunRequest,
  image: HealthSettings | undefined,
): Pick<StoredContainer, "health" | "idleHealth"> {
  if (health === "none") return { idleHealth: { ...image, Test: ["NONE"] } };
  // Intervals alone change those of the image's check.
  const merged = { ...image, ...health };
  const test = merged.Test ?? [];
  if (merged.probe !== undefined || (test.length > 0 && test[0] !== "NONE")) return { health: merged };
  return Object.keys(merged).length === 0 ? {} : { idleHealth: merged };
}

function exposedBy(request: RunRequest, ofImage: readonly string[]): readonly string[] {
  const all = [
    ...ofImage,
    ...(request.expose ?? []),
    ...(request.ports ?? []).map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
  ].flatMap(expandPorts);
  return [...new Set(all)];
}

/** `80` is `80/tcp`; `80-82/udp` is three. */
function expandPorts(text: string): readonly string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first < 1 || last > 65_535 || last < first)
    throw new LighterError("PORT_INVALID", `cannot expose port "${text}": want PORT[-PORT][/tcp|/udp]`);
  const protocol = (match[3] ?? "tcp").toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}/${protocol}`);
}

function publishedAll(request: RunRequest, exposed: readonly string[]): readonly PortMapping[] {
  if (request.publishAll !== true) return [];
  const taken = new Set((request.ports ?? []).map((port) => `${port.containerPort}/${port.protocol}`));
  return exposed
    .filter((text) => !taken.has(text))
    .map((text) => {
      const [port, protocol] = text.split("/");
      return { containerPort: Number(port), protocol: protocol === "udp" ? "udp" : "tcp" };
    });
}
