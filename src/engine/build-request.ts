import { isIP } from "node:net";
import { posix } from "node:path";
import { type Cleanup, LighterError } from "#base";
import type { BuildRequest } from "#build";
import type { Host } from "#host";
import { parsePlatform, parseReference } from "#oci";
import type { ExtraHost, Ulimit } from "#plan";
import { openAgents } from "./build-agents.ts";
import { buildInput } from "./build-input.ts";
import { openSecrets } from "./build-secrets.ts";
import type { Configuration } from "./configuration.ts";
import { localDelete } from "./local-delete.ts";
import type { BuildOptions } from "./options.ts";

interface BuildTools {
  readonly processes: Host["processes"];
  /** Ends what the build has started, after it. */
  readonly scope: Cleanup;
}

/**
 * The build that the options ask for: paths absolute, words of docker parsed.
 * @throws USAGE, ARGUMENT_INVALID, REFERENCE_INVALID, PLATFORM_INVALID
 */
export async function buildRequest(
  options: BuildOptions,
  configuration: Configuration,
  { processes, scope }: BuildTools,
): Promise<BuildRequest> {
  const { target, labels, platform, onEvent, signal, secrets, ssh } = options;
  const { environment } = configuration;
  return {
    ...(await buildInput(options)),
    names: (options.tags ?? []).map(parseReference),
    buildArgs: { ...configuration.proxyEnv, ...options.buildArgs },
    jobs: options.jobs ?? configuration.jobs,
    noCache: noCacheOf(options),
    ...(options.explain !== undefined && { explain: options.explain }),
    ...(target !== undefined && { target }),
    ...(labels !== undefined && { labels }),
    ...(platform !== undefined && !platform.includes(",") && { platform: parsePlatform(platform) }),
    ...stepOptions(options),
    ...(secrets !== undefined && { findSecret: openSecrets(secrets, environment) }),
    ...(ssh !== undefined && { findAgent: openAgents(ssh, { environment, processes, scope }) }),
    ...(configuration.epochSeconds !== undefined && { epochSeconds: configuration.epochSeconds }),
    ...(onEvent !== undefined && { onEvent }),
    ...(options.onStepFailure !== undefined && { onStepFailure: options.onStepFailure }),
    ...(signal !== undefined && { signal }),
  };
}

/** What holds for RUN. */
function stepOptions(options: BuildOptions): Partial<BuildRequest> {
  const { network, extraHosts, allow, shmSizeBytes, ulimits, cgroupParent, limits } = options;
  return {
    ...(network !== undefined && { network }),
    ...(extraHosts !== undefined && { extraHosts: extraHosts.map(parseExtraHost) }),
    ...(allow !== undefined && { allow: allow.map(parseEntitlement) }),
    ...(shmSizeBytes !== undefined && { shmSizeBytes }),
    ...(ulimits !== undefined && { ulimits: ulimits.map(parseUlimit) }),
    ...(limits !== undefined && { limits }),
    ...(cgroupParent ? { cgroupParent: parseCgroupParent(cgroupParent) } : {}),
  };
}

/** Everything, or the stages that `--no-cache-filter` names; docker takes several in one word. */
function noCacheOf({ noCache = false, noCacheFilter = [] }: BuildOptions): boolean | readonly string[] {
  const stages = noCacheFilter.flatMap((text) => text.split(",")).filter((name) => name !== "");
  if (!noCache || stages.length === 0) return noCache || (stages.length > 0 && stages);
  throw new LighterError(
    "ARGUMENT_INVALID",
    "cannot use --no-cache and --no-cache-filter together: the first is for every stage",
  );
}

function parseExtraHost(text: string): ExtraHost {
  const separator = text.search(/[:=]/);
  const host = text.slice(0, Math.max(0, separator));
  const ip = text.slice(separator + 1).replace(/^\[(.*)\]$/, "$1");
  if (separator > 0 && (isIP(ip) !== 0 || ip === "host-gateway")) return { host, ip };
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot add host "${text}": invalid host; want name:address, with an IP address or host-gateway`,
  );
}

const entitlements = ["network.host", "security.insecure", "device", localDelete];

/** `device=NAME` grants one device. */
function parseEntitlement(text: string): string {
  if (entitlements.includes(text.replace(/=.*$/s, "")) && (text.startsWith("device") || !text.includes("=")))
    return text;
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot allow "${text}": a build can be granted ${entitlements.join(", ")}`,
  );
}

function parseUlimit(text: string): Ulimit {
  const [, name, soft, hard] = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text) ?? [];
  if (name === undefined || soft === undefined || !ulimitNames.has(name))
    throw new LighterError(
      "USAGE",
      `cannot use ulimit "${text}": want NAME=SOFT[:HARD], as nofile=1024:2048`,
    );
  const limits = { soft: limitOf(soft), hard: limitOf(hard ?? soft) };
  if (limits.soft > limits.hard)
    throw new LighterError("USAGE", `cannot use ulimit "${text}": the soft limit is above the hard`);
  return { name, ...limits };
}

function limitOf(text: string): number {
  return text === "-1" ? Number.MAX_SAFE_INTEGER : Number(text);
}

function parseCgroupParent(text: string): string {
  if (!text.endsWith(".slice") && !text.split("/").includes("..")) return posix.resolve("/", text);
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot use cgroup parent "${text}": want a path below /sys/fs/cgroup, as /batch/night; slices are systemd's own`,
  );
}

/** Of setrlimit(2). */
const ulimitNames: ReadonlySet<string> = new Set(
  "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  ),
);
