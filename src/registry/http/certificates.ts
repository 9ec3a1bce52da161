import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { errorMessage, LighterError, systemErrorCode } from "#base";

/** What TLS with one registry takes besides the system's own authorities. */
export interface Certificates {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads `<directory>/<host:port>/`: `*.crt` are authorities, `x.cert` with `x.key` is the client's own.
 * @throws ARGUMENT_INVALID for a file that cannot be read, or a client certificate without its key
 * @see https://docs.docker.com/engine/security/certificates/
 */
export function readCertificates(
  registry: string,
  from: { readonly directories: readonly string[]; readonly authorityFiles: readonly string[] },
): Certificates {
  const files = from.directories.flatMap((directory) => listFiles(join(directory, registry)));
  const authorities = [...from.authorityFiles, ...files.filter((file) => file.endsWith(".crt"))].map(read);
  const certificate = files.find((file) => file.endsWith(".cert"));
  return {
    // Setting it replaces the authorities that Node brings.
    ...(authorities.length > 0 && { ca: [...rootCertificates, ...authorities] }),
    ...(certificate !== undefined && {
      cert: read(certificate),
      key: read(certificate.replace(/\.cert$/, ".key")),
    }),
  };
}

function listFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(systemErrorCode(error) ?? "")) return [];
    throw error;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot read certificate "${path}": ${errorMessage(error)}; name a PEM file`,
      { cause: error },
    );
  }
}
