import { type Assembly, rootOwned } from "./assembly.ts";
import { formatJavaKeystore } from "./java-keystore.ts";

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

function listCertificates({ tree }: Assembly): readonly { readonly path: string; readonly text: string }[] {
  return [...tree.entries()]
    .filter(([path, node]) => path.startsWith(`${folder}/`) && path.endsWith(".crt") && node.kind === "file")
    .map(([path]) => ({ path, text: tree.read(path)?.toString("latin1") ?? "" }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
