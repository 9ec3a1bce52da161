import { isLighterError, LighterError } from "#base";
import { type Credentials, type KeptIn, storeCredentials } from "./auth/credentials.ts";
import { drain } from "./http/body.ts";
import type { RegistryOptions } from "./options.ts";
import type { CallOptions } from "./registry-client.ts";
import { Session } from "./session.ts";

/** See `RegistryClient.login`. */
export async function login(
  options: RegistryOptions,
  registry: string,
  credentials: Credentials,
  { signal }: CallOptions,
): Promise<KeptIn> {
  await tryCredentials(options, registry, { credentials, signal });
  return await storeCredentials(
    { host: options.host, directory: options.dockerConfigDirectory },
    registry,
    credentials,
  );
}

async function tryCredentials(
  options: RegistryOptions,
  registry: string,
  using_: { readonly credentials: Credentials; readonly signal: AbortSignal | undefined },
): Promise<void> {
  // A session of its own: what is stored now must not answer in their place.
  using session = new Session(options, using_.credentials);
  try {
    const { response } = await session.request({
      purpose: `log in to "${registry}"`,
      registry,
      access: "push",
      method: "GET",
      path: "",
      scopes: [],
      accept: [200],
      ...(using_.signal && { signal: using_.signal }),
    });
    await drain(response);
  } catch (error) {
    if (!isLighterError(error, "REGISTRY_DENIED")) throw error;
    throw new LighterError(
      "CREDENTIALS_INVALID",
      `cannot log in to "${registry}": it refuses this name and password; check both`,
      { cause: error, details: { registry } },
    );
  }
}
