import { LighterError } from "#base";
import type { Host } from "#host";
import { eraseFromHelper, getFromHelper, storeInHelper } from "./credential-helper.ts";
import { findPlain, readDockerConfig, updateDockerConfig, withoutHost } from "./docker-config.ts";

/** Who asks: a name with its password, or a token that stands for both. */
export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, which docker calls identity token. */
  | { readonly kind: "identity"; readonly username: string; readonly token: string }
  /** A bearer token ready for use. */
  | { readonly kind: "registry"; readonly token: string };

export interface CredentialPlace {
  readonly host: Pick<Host, "processes">;
  /** Directory of `config.json`. */
  readonly directory: string | undefined;
}

/** Where a credential was put. */
export type KeptIn =
  | { readonly kind: "helper"; readonly program: string }
  | { readonly kind: "file"; readonly path: string };

/** The key under which docker keeps the credentials of a registry. */
export function credentialKey(registry: string): string {
  return registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
}

/** What is stored for a registry: from its helper, the store of all credentials, else the file itself. */
export async function findCredentials(
  place: CredentialPlace,
  registry: string,
): Promise<Credentials | undefined> {
  if (place.directory === undefined) return undefined;
  const config = readDockerConfig(place.directory);
  const key = credentialKey(registry);
  const helper = config.credHelpers[registry] ?? config.credHelpers[key] ?? config.credsStore;
  const stored = helper === undefined ? undefined : await getFromHelper(place.host, helper, key);
  return stored ?? findPlain(config, registry);
}

/** Keeps credentials as docker would: in the helper that the file names, else in the file. @throws CREDENTIALS_INVALID */
export async function storeCredentials(
  place: CredentialPlace,
  registry: string,
  credentials: Credentials,
): Promise<KeptIn> {
  const { directory } = place;
  if (directory === undefined || credentials.kind === "registry") throw noPlace(registry);
  const key = credentialKey(registry);
  const config = readDockerConfig(directory);
  const helper = config.credHelpers[registry] ?? config.credHelpers[key] ?? config.credsStore;
  const secret = credentials.kind === "password" ? credentials.password : credentials.token;
  const username = credentials.kind === "password" ? credentials.username : "<token>";
  if (helper !== undefined) {
    await storeInHelper(place.host, helper, { ServerURL: key, Username: username, Secret: secret });
    updateDockerConfig(directory, (auths) => ({ ...withoutHost(auths, registry), [key]: {} }));
    return { kind: "helper", program: `docker-credential-${helper}` };
  }
  const auth = Buffer.from(
    credentials.kind === "password" ? `${username}:${secret}` : `${credentials.username}:`,
  ).toString("base64");
  const entry = { auth, ...(credentials.kind === "identity" && { identitytoken: credentials.token }) };
  const path = updateDockerConfig(directory, (auths) => ({ ...withoutHost(auths, registry), [key]: entry }));
  return { kind: "file", path };
}

/** Forgets them. @returns whether there were any */
export async function eraseCredentials(place: CredentialPlace, registry: string): Promise<boolean> {
  if (place.directory === undefined) return false;
  const had = (await findCredentials(place, registry)) !== undefined;
  const config = readDockerConfig(place.directory);
  const key = credentialKey(registry);
  const helper = config.credHelpers[registry] ?? config.credHelpers[key] ?? config.credsStore;
  if (helper !== undefined) await eraseFromHelper(place.host, helper, key);
  if (had) updateDockerConfig(place.directory, (auths) => withoutHost(auths, registry));
  return had;
}

function noPlace(registry: string): LighterError {
  return new LighterError(
    "CREDENTIALS_INVALID",
    `cannot store credentials for "${registry}": no directory for docker's config.json is known; set DOCKER_CONFIG or HOME`,
  );
}
