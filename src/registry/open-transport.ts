import { readCertificates } from "./http/certificates.ts";
import { Transport } from "./http/transport.ts";
import type { RegistryOptions } from "./options.ts";

/** The transport that the options describe. Disposing closes its connections. */
export function openTransport(options: RegistryOptions): Transport {
  return new Transport({
    proxyEnv: options.proxyEnv ?? {},
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
    maxConnections: options.maxConnections ?? 8,
    certificatesFor: (host, isWide) =>
      readCertificates(host === "registry-1.docker.io" ? "docker.io" : host, {
        directories: options.certificateDirectories ?? [],
        authorityFiles: isWide ? (options.authorityFiles ?? []) : [],
      }),
  });
}
