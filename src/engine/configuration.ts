import { availableParallelism } from "node:os";
import { LighterError } from "#base";
import { type BaseRule, parseBaseRule, parseBaseRules } from "./base-rules.ts";
import type { EngineOptions, RegistrySettings } from "./options.ts";
import { readRegistries } from "./registry-configuration.ts";

/** What the environment and the caller say, read once. No other room looks at either. */
export interface Configuration {
  readonly root: string;
  /** Seconds since 1970 for everything that needs a time inside an image; undefined: the build's documented default. */
  readonly epochSeconds?: number;
  readonly jobs: number;
  /** What the build cache may take, cache mounts included, as `10GB`; undefined: no cap. Read when something is built. */
  readonly buildCacheLimit?: string;
  /** What Debian packages may take that are kept, as `2GB`; undefined: no cap. Read when an image is assembled. */
  readonly packageCacheLimit?: string;
  /** HTTP_PROXY and its kin, as RUN steps and downloads get them. */
  readonly proxyEnv: Readonly<Record<string, string>>;
  /** Variables that a build's options name: of secrets, and the agent's. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where Debian packages come from, when not from deb.debian.org. */
  readonly debianMirror?: string;
  readonly registries: RegistrySettings & { readonly proxyEnv: Readonly<Record<string, string>> };
  /** Where FROM looks, by name; what the configuration file says comes after these. */
  readonly baseRules: readonly BaseRule[];
  /** The configuration file. */
  readonly file: { readonly path: string; readonly mustExist: boolean };
}

const proxyNames = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/** @throws ARGUMENT_INVALID when SOURCE_DATE_EPOCH is no whole number */
export function readConfiguration(
  options: EngineOptions,
  env: NodeJS.ProcessEnv = process.env,
): Configuration {
  const epochSeconds = readEpoch(env["SOURCE_DATE_EPOCH"]);
  const buildCacheLimit = env["LIGHTER_BUILD_CACHE_LIMIT"];
  const packageCacheLimit = env["LIGHTER_PACKAGE_CACHE_LIMIT"];
  const debianMirror = env["LIGHTER_DEBIAN_MIRROR"];
  return Object.freeze({
    root: options.root ?? env["LIGHTER_ROOT"] ?? "/var/lib/lighter",
    ...(epochSeconds !== undefined && { epochSeconds }),
    ...(buildCacheLimit && { buildCacheLimit }),
    ...(packageCacheLimit && { packageCacheLimit }),
    // Steps wait for networks and disks more than for a processor.
    jobs: Math.max(4, availableParallelism()),
    proxyEnv: readProxies(env),
    environment: env,
    ...(debianMirror !== undefined && { debianMirror }),
    registries: { ...readRegistries(options.registries ?? {}, env), proxyEnv: readProxies(env) },
    baseRules:
      options.baseSources?.map((text) => parseBaseRule(text, "base source")) ??
      parseBaseRules(env["LIGHTER_BASE_SOURCES"] ?? "", "LIGHTER_BASE_SOURCES"),
    file: {
      path: env["LIGHTER_CONFIG"] || "/etc/lighter/config.yaml",
      mustExist: Boolean(env["LIGHTER_CONFIG"]),
    },
  });
}

function readEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new LighterError(
    "ARGUMENT_INVALID",
    `cannot use SOURCE_DATE_EPOCH "${text}": want seconds since 1970 as a whole number`,
  );
}

function readProxies(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const names = proxyNames.flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}
