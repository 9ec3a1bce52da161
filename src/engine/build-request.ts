import { resolve } from "node:path";
import { LighterError } from "#base";
import type { BuildRequest } from "#build";
import { parsePlatform, parseReference } from "#oci";
import type { ExtraHost } from "#plan";
import type { Configuration } from "./configuration.ts";
import type { BuildOptions } from "./options.ts";

/** The build that the options ask for: paths absolute, names and platform parsed. @throws REFERENCE_INVALID, PLATFORM_INVALID */
export function buildRequest(options: BuildOptions, configuration: Configuration): BuildRequest {
  const { target, labels, platform, noCache, network, extraHosts, onEvent, signal } = options;
  return {
    context: resolve(options.context),
    ...(options.file !== undefined && { dockerfile: { path: resolve(options.file) } }),
    names: (options.tags ?? []).map(parseReference),
    buildArgs: { ...configuration.proxyEnv, ...options.buildArgs },
    jobs: options.jobs ?? configuration.jobs,
    ...(target !== undefined && { target }),
    ...(labels !== undefined && { labels }),
    ...(platform !== undefined && !platform.includes(",") && { platform: parsePlatform(platform) }),
    ...(noCache !== undefined && { noCache }),
    ...(network !== undefined && { network }),
    ...(extraHosts !== undefined && { extraHosts: extraHosts.map(parseExtraHost) }),
    ...(configuration.epochSeconds !== undefined && { epochSeconds: configuration.epochSeconds }),
    ...(onEvent !== undefined && { onEvent }),
    ...(signal !== undefined && { signal }),
  };
}

function parseExtraHost(text: string): ExtraHost {
  const separator = text.search(/[:=]/);
  const host = text.slice(0, Math.max(0, separator));
  const ip = text.slice(separator + 1);
  if (separator > 0 && ip !== "") return { host, ip };
  throw new LighterError("ARGUMENT_INVALID", `cannot add host "${text}": want name:address`);
}
