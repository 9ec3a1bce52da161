import { existsSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import type { RegistrySettings } from "./options.ts";

type Env = Readonly<Record<string, string | undefined>>;

const systemAuthorities = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];

/**
 * How registries are reached, from the caller, then the environment: `DOCKER_CONFIG`, `LIGHTER_REGISTRY_MIRRORS`
 * (`docker.io=https://mirror.example,…`), `LIGHTER_INSECURE_REGISTRIES`, `LIGHTER_CA`, `NODE_EXTRA_CA_CERTS`.
 */
export function readRegistries(settings: RegistrySettings, env: Env): RegistrySettings {
  const directory = env["DOCKER_CONFIG"] || (env["HOME"] ? join(env["HOME"], ".docker") : undefined);
  const insecure = env["LIGHTER_INSECURE_REGISTRIES"];
  return {
    ...(directory !== undefined && { dockerConfigDirectory: directory }),
    mirrors: readMirrors(env["LIGHTER_REGISTRY_MIRRORS"] ?? ""),
    ...(insecure !== undefined && { insecure: words(insecure) }),
    certificateDirectories: ["/etc/docker/certs.d", "/etc/containers/certs.d"],
    authorityFiles: readAuthorities(env),
    ...settings,
  };
}

/** The system's own authorities count too: a company's stand there, and Node does not look. */
function readAuthorities(env: Env): readonly string[] {
  const named = [env["LIGHTER_CA"], env["NODE_EXTRA_CA_CERTS"]].filter(
    (path) => path !== undefined && path !== "",
  );
  const system = systemAuthorities.find((path) => existsSync(path));
  return [...new Set([...named, system].filter((path) => path !== undefined))];
}

function readMirrors(text: string): Readonly<Record<string, readonly string[]>> {
  const mirrors: Record<string, string[]> = {};
  for (const word of words(text)) {
    const [registry = "", address] = word.split("=", 2);
    if (address === undefined || registry === "")
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot use LIGHTER_REGISTRY_MIRRORS "${word}": want registry=address, separated by commas`,
      );
    (mirrors[registry] ??= []).push(address);
  }
  return mirrors;
}

function words(text: string): readonly string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
