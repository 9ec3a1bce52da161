import { type Assembly, rootOwned } from "./assembly.ts";
import { formatJavaKeystore } from "./java-keystore.ts";
import type { FileSink } from "./tree-writer.ts";

const folder = "usr/share/ca-certificates";
const documents = "usr/share/doc/ca-certificates";

/**
 * Mozilla's authorities as one file, which is what TLS libraries read. The single certificates and the scripts that manage
 * them are removed, and their manuals.
 */
export function writeCertificateBundle(assembly: Assembly): void {
  const { tree, packages } = assembly;
  if (!packages.has("ca-certificates")) return;
  const bundle = listCertificates(assembly)
    .map(({ text }) => (text.endsWith("\n") ? text : `${text}\n`))
    .join("");
  tree.file("etc/ssl/certs/ca-certificates.crt", Buffer.from(bundle, "latin1"), rootOwned(assembly));
  for (const path of [
    folder,
    "etc/ca-certificates",
    "usr/sbin/update-ca-certificates",
    "usr/share/man/man8/update-ca-certificates.8.gz",
    ...tree.entriesIn(documents).flatMap(([path]) => (path === `${documents}/copyright` ? [] : path)),
  ])
    tree.remove(path);
}

/** The same authorities for Java, which every Debian Java looks for in this place. */
export function writeJavaAuthorities(assembly: Assembly): void {
  const certificates = listCertificates(assembly).map(({ path, text }) => ({
    alias: `debian:${path
      .slice(path.lastIndexOf("/") + 1)
      .replace(/\.crt$/, ".pem")
      .toLowerCase()}`,
    bytes: Buffer.from(text.replace(/-----(?:BEGIN|END) CERTIFICATE-----/g, ""), "base64"),
  }));
  if (certificates.length === 0) return;
  const bytes = formatJavaKeystore(certificates, assembly.epochSeconds);
  assembly.tree.file("etc/ssl/certs/java/cacerts", bytes, rootOwned(assembly));
}

/** Keeps single certificates, of which only the bundle is written, out of the tree. */
export function collectCertificates(): {
  readonly certificates: ReadonlyMap<string, Buffer>;
  readonly collect: (path: string) => FileSink | undefined;
} {
  const certificates = new Map<string, Buffer>();
  const collect = (path: string) => {
    if (!isCertificate(path)) return undefined;
    const parts: Buffer[] = [];
    return {
      write: (bytes: Uint8Array) => void parts.push(Buffer.from(bytes)),
      close: () => void certificates.set(path, Buffer.concat(parts)),
    };
  };
  return { certificates, collect };
}

function isCertificate(path: string): boolean {
  return path.startsWith(`${folder}/`) && path.endsWith(".crt");
}

function listCertificates({
  tree,
  certificates,
}: Assembly): readonly { readonly path: string; readonly text: string }[] {
  const paths =
    certificates?.keys() ??
    [...tree.entries()].flatMap(([path, { kind }]) => (isCertificate(path) && kind === "file" ? [path] : []));
  return [...paths]
    .map((path) => ({
      path,
      text: (certificates?.get(path) ?? tree.read(path))?.toString("latin1") ?? "",
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
