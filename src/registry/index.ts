export type { Credentials, KeptIn } from "./auth/credentials.ts";
export { verified } from "./blob-download.ts";
export {
  type MemoryRegistry,
  type MemoryRegistryOptions,
  startMemoryRegistry,
} from "./memory/memory-registry.ts";
export { openRegistryClient } from "./open-registry-client.ts";
export { loopback, type RegistryOptions } from "./options.ts";
export type {
  BlobSource,
  CallOptions,
  FetchedManifest,
  FetchOptions,
  PushedManifest,
  PushOptions,
  PushOutcome,
  RegistryClient,
  Repository,
  WebFile,
} from "./registry-client.ts";
