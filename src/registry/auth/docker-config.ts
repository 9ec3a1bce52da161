import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, LighterError, systemErrorCode } from "#base";
import type { Credentials } from "./credentials.ts";

type Auths = Readonly<Record<string, unknown>>;

/** The part of docker's `config.json` that is about registries. */
export interface DockerConfig {
  readonly auths: Auths;
  readonly credHelpers: Readonly<Record<string, string>>;
  readonly credsStore: string | undefined;
}

/** @throws CREDENTIALS_INVALID when the file is there but cannot be read */
export function readDockerConfig(directory: string): DockerConfig {
  const value = readFile(configPath(directory));
  const helpers = Object.entries(record(value["credHelpers"]));
  const store = value["credsStore"];
  return {
    auths: record(value["auths"]),
    credHelpers: Object.fromEntries(
      helpers.filter((pair): pair is [string, string] => typeof pair[1] === "string"),
    ),
    credsStore: typeof store === "string" && store !== "" ? store : undefined,
  };
}

/** Replaces `auths`, and leaves everything else as it was. Whole or not at all; for the owner's eyes only. */
export function updateDockerConfig(directory: string, change: (auths: Auths) => Auths): string {
  const path = configPath(directory);
  const value = readFile(path);
  const text = `${JSON.stringify({ ...value, auths: change(record(value["auths"])) }, undefined, "\t")}\n`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const temporary = `${path}.${process.pid}.new`;
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    throw unusable(path, error);
  }
  return path;
}

/** What the file itself holds for a registry. Keys were written in many ways: with scheme, with path. */
export function findPlain(config: DockerConfig, registry: string): Credentials | undefined {
  for (const [key, entry] of Object.entries(config.auths)) {
    if (hostOf(key) !== wantedHost(registry)) continue;
    const credentials = credentialsOf(record(entry));
    if (credentials !== undefined) return credentials;
  }
  return undefined;
}

/** The entries without those of a registry. */
export function withoutHost(auths: Auths, registry: string): Auths {
  return Object.fromEntries(Object.entries(auths).filter(([key]) => hostOf(key) !== wantedHost(registry)));
}

function wantedHost(registry: string): string {
  return registry === "docker.io" ? "index.docker.io" : registry;
}

function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return host === "docker.io" || host === "registry-1.docker.io" ? "index.docker.io" : host;
}

function credentialsOf(entry: Readonly<Record<string, unknown>>): Credentials | undefined {
  const text = (name: string): string => {
    const value = entry[name];
    return typeof value === "string" ? value : "";
  };
  const pair = Buffer.from(text("auth"), "base64").toString().replace(/\0+$/, "");
  const colon = pair.indexOf(":");
  const username = colon < 0 ? text("username") : pair.slice(0, colon);
  const password = colon < 0 ? text("password") : pair.slice(colon + 1);
  if (text("registrytoken") !== "") return { kind: "registry", token: text("registrytoken") };
  if (text("identitytoken") !== "") return { kind: "identity", username, token: text("identitytoken") };
  return username === "" && password === "" ? undefined : { kind: "password", username, password };
}

function configPath(directory: string): string {
  return join(directory, "config.json");
}

function readFile(path: string): Readonly<Record<string, unknown>> {
  try {
    const text = readFileSync(path, "utf8");
    return text.trim() === "" ? {} : record(JSON.parse(text));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return {};
    throw unusable(path, error);
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function unusable(path: string, error: unknown): LighterError {
  return new LighterError(
    "CREDENTIALS_INVALID",
    `cannot use "${path}": ${errorMessage(error)}; repair it or set DOCKER_CONFIG to another directory`,
    { cause: error },
  );
}
